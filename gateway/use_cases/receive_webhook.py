"""Take a PSP's notification: verify, store and deduplicate in one commit, and only then say 2xx."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.domain.errors import BadSignature, NotFound
from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.dispatch import open_account
from gateway.use_cases.ports import Json, Ports
from gateway.use_cases.wire import dispute_to_json, outcome_to_json

NOTIFICATION = "notification"
"""The vault's purpose for stored notification bodies: they may hold what the PSP knows of a shopper."""


@dataclass(frozen=True, slots=True)
class ReceiveWebhook:
    """The request as it came: raw bytes, since the signature is over them. Header names in lower case."""

    provider: str
    account_id: str
    headers: Mapping[str, str]
    body: bytes


@use_case
async def receive_webhook(ports: Ports, command: ReceiveWebhook) -> Json:
    """Store what the notification says and return `{stored, duplicates, payments}`.

    The order to wake the payment's workflow is written in the same commit; the relay carries it out. Raises
    `NotFound` for an unknown account, `BadSignature` without saying why, `StoreUnavailable` (the PSP will repeat).
    """
    unknown = NotFound("provider_account_not_found", "no such provider account")
    owner = await ports.store.system("provider_account_lookup_v1", {"account_id": command.account_id})
    if owner is None or owner["account"]["provider"] != command.provider:
        raise unknown
    merchant: str = owner["merchant"]
    connector = ports.connectors.get(command.provider)
    account = await open_account(ports, merchant, owner["account"])
    now = ports.clock.now()
    facts = connector.verify_webhook(command.headers, command.body, account, now.timestamp())
    if not facts:
        return {"stored": 0, "duplicates": 0, "payments": []}
    try:
        text = command.body.decode()
    except UnicodeDecodeError:
        raise BadSignature("the body is not text") from None
    ciphertext, key_id = await ports.vault.seal_text(merchant, command.account_id, NOTIFICATION, text)
    received: Json = await ports.store.call(
        "webhook_receive_v1",
        merchant,
        {
            "account_id": command.account_id,
            "facts": [
                {
                    "event_id": fact.event_id,
                    "event_type": fact.event_type,
                    "operation_id": fact.operation_id,
                    "provider_reference": fact.provider_reference,
                    "outcome": None if fact.outcome is None else outcome_to_json(fact.outcome),
                    "dispute": None if fact.dispute is None else dispute_to_json(fact.dispute),
                    "undoes": fact.undoes,
                }
                for fact in facts
            ],
            "body_ciphertext": f"{key_id}:{ciphertext}",
            "at": now.isoformat(),
            "order_id": new_id("ord"),
        },
    )
    return received
