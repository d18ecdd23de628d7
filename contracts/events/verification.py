"""The provider's side of the events: what the stored procedures wrote, as Kafka and as a merchant gets it."""

import json
from collections.abc import Mapping
from typing import Any

from pact import Verifier

from contracts.events.messages import PROVIDER, Contract
from contracts.events.provider import SECRET, delivered
from contracts.events.shop import Refused, receive
from contracts.kit.desk import HOST, Desk, Reply, message_reply
from contracts.kit.provider import CannotVerify, Verdict, judge

Json = dict[str, Any]
TOPIC = "payera.payments.v1"


def verify_events(contract: Contract, events: Mapping[str, Json]) -> list[Verdict]:
    """Hold every event type that the contract names against a real event. Raises CannotVerify."""
    if not contract.file.is_file():
        raise CannotVerify(f"{contract.file} is missing: `payera contracts generate events`")
    failures: dict[str, str] = {}

    def answer(path: str, _: dict[str, str], body: bytes) -> Reply:
        name = json.loads(body).get("description", "")
        if path != "/message":
            return 200, b"{}", {"content-type": "application/json"}
        if name not in events:
            failures[""] = f"the gateway's procedures wrote no {name}"
            return 404, b"", {}
        return _message(contract, events[name])

    desk = Desk(answer)
    try:
        verifier = (
            Verifier(PROVIDER, host=HOST)
            .add_transport(protocol="message", port=desk.port, path="/message", scheme="http")
            .add_source(contract.file)
        )
        return judge(verifier, contract.file, failures)
    finally:
        desk.close()


def _message(contract: Contract, event: Json) -> Reply:
    headers, body = delivered(event)
    if contract.consumer == "bookkeeping":
        # The relay publishes the same JSON under the payment's id.
        return message_reply(body, "application/json", {"topic": TOPIC, "key": str(event["subject"])})
    return message_reply(body, headers["content-type"], {**headers, "signature": _judged(headers, body)})


def _judged(headers: Mapping[str, str], body: bytes) -> str:
    try:
        receive(SECRET, headers, body)
    except Refused as refused:
        return str(refused)
    except (KeyError, TypeError):
        return "valid"  # its content is wrong, which the body's rules say better
    return "valid"
