"""Where a merchant wants its events: endpoints with a secret each, shown once."""

import base64
import secrets
from dataclasses import dataclass

from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.ports import Egress, Json, Ports

WEBHOOK_SECRET = "webhook_secret"  # noqa: S105 - the vault's name of the purpose, not a secret
_SECRET_BYTES = 32  # the scheme asks for 24 to 64


@dataclass(frozen=True, slots=True)
class CreateWebhookEndpoint:
    """`enabled_events` are event types, or `*` for all."""

    merchant: str
    url: str
    enabled_events: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class UpdateWebhookEndpoint:
    """What is None stays as it is. `enabled` True brings a disabled endpoint back."""

    merchant: str
    endpoint_id: str
    url: str | None = None
    enabled_events: tuple[str, ...] | None = None
    enabled: bool | None = None


@use_case
async def create_webhook_endpoint(ports: Ports, egress: Egress, command: CreateWebhookEndpoint) -> Json:
    """Store the endpoint and return its view with `secret` (`whsec_` and base64: Standard Webhooks). Raises
    `EgressRefused` for a URL that the gateway may not call.
    """
    await egress.check(command.url, "url")
    endpoint_id = new_id("we")
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    ciphertext, key_id = await ports.vault.seal_text(command.merchant, endpoint_id, WEBHOOK_SECRET, secret)
    view: Json = await ports.store.call(
        "webhook_endpoint_create_v1",
        command.merchant,
        {
            "endpoint_id": endpoint_id,
            "url": command.url,
            "enabled_events": list(command.enabled_events),
            "secret_ciphertext": ciphertext,
            "key_id": key_id,
            "at": ports.clock.now().isoformat(),
        },
    )
    return view | {"secret": secret}


@use_case
async def update_webhook_endpoint(ports: Ports, egress: Egress, command: UpdateWebhookEndpoint) -> Json:
    """Change an endpoint and return its view. Raises `NotFound`, `EgressRefused`."""
    if command.url is not None:
        await egress.check(command.url, "url")
    p: Json = {"endpoint_id": command.endpoint_id, "at": ports.clock.now().isoformat()}
    if command.url is not None:
        p["url"] = command.url
    if command.enabled_events is not None:
        p["enabled_events"] = list(command.enabled_events)
    if command.enabled is not None:
        p["status"] = "enabled" if command.enabled else "disabled"
    view: Json = await ports.store.call("webhook_endpoint_update_v1", command.merchant, p)
    return view
