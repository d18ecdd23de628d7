"""The control plane's own OpenAPI document (`GET /openapi.json` there)."""

from collections.abc import Iterable
from typing import Any

from simulators.kit.actions import ACTIONS
from simulators.kit.openapi import (
    FLAG,
    STRINGS,
    Description,
    Doc,
    Operation,
    Step,
    choice,
    document,
    struct,
    text,
    whole,
)  # fmt: skip

Json = dict[str, Any]
_ONE = "/v1/{slug}/accounts/{account}"
_WORD = choice(*ACTIONS)
_ACTION: Json = {
    "anyOf": [_WORD, {"type": "object", "properties": {"action": _WORD}, "required": ["action"]}],
}
FAULT = struct(
    {
        "when": struct(
            {
                "operation": choice("authorize", "capture", "void", "refund", "read", "*"),
                "amount": whole(0, 10**12),
                "pan": text(19, shortest=12, pattern="^[0-9]+$"),
                "bin": text(8),
                "last4": text(4),
                "name": text(100),
                "email": text(100),
                "header": STRINGS,
                "reference": text(255),
                "currency": text(3),
            }
        ),
        "then": {"anyOf": [_ACTION, {"type": "array", "items": _ACTION, "minItems": 1, "maxItems": 3}]},
        "times": whole(1, 1000),
        "probability": {"type": "number", "minimum": 0, "maximum": 1},
        "seed": whole(),
        "after": whole(0, 1000),
        "per": choice("key", "request"),
    },
    "then",
)
MODE: Json = {
    "anyOf": [
        choice("immediate", "manual"),
        struct({"manual": whole(0, 100)}, "manual"),
        struct({"after": {"type": "number", "minimum": 0}}, "after"),
    ]
}
ACCOUNT = struct(
    {
        "api_key": text(200, shortest=1),
        "webhook_secret": text(200, shortest=1),
        "publishable_key": text(200, shortest=1),
        "door": FLAG,
        "seed": whole(),
    },
    closed=False,
)
WEBHOOK = struct(
    {"url": text(), "events": {"type": "array", "items": text()}, "secret": text()},
    "url",
)
CLOCK = struct({"advance_s": {"type": "number", "minimum": 0}, "now": {"type": ["string", "number"]}})
SETTLE = struct({"object": text(), "action": text(), "data": {"type": "object"}}, "object")

_CARD: Json = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039}
_PAY = Step("SIMULATOR POST /v1/charges", {"amount": 4200, "currency": "EUR", "card": _CARD}, {"object": "id"})
_PENDING = Step(f"POST {_ONE}/faults", {"when": {"amount": 4200}, "then": "pending"})
_TOLD = Step(f"GET {_ONE}/webhooks", None, {"event": "deliveries.0.event"})
_RULE: Json = {"when": {"operation": "authorize"}, "then": "rate_limit", "times": 1}
_FAULT = Step(f"POST {_ONE}/faults", _RULE, {"fault": "id"})
_LISTENING = Step(f"PUT {_ONE}/webhook", {"url": "http://127.0.0.1:9/"})

CONTROL = Description(
    security={},
    operations={
        "GET /healthz": Doc(summary="Whether it runs"),
        "GET /openapi.json": Doc(summary="This document"),
        "GET /v1/simulators": Doc(summary="The simulators that run"),
        "GET /v1/simulators/{slug}/openapi.json": Doc(summary="A simulator's own document"),
        "GET /v1/simulators/{slug}/triggers": Doc(summary="A simulator's magic values, declines and movements"),
        "POST /v1/{slug}/accounts": Doc(summary="Create an account", body=ACCOUNT, example={"seed": 7}),
        "GET /v1/{slug}/accounts": Doc(summary="The accounts"),
        f"GET {_ONE}": Doc(),
        f"DELETE {_ONE}": Doc(summary="Close an account: its key is unknown from now on"),
        f"PUT {_ONE}/webhook": Doc(
            summary="Where notifications go", body=WEBHOOK, example={"url": "http://127.0.0.1:9/"}
        ),
        f"POST {_ONE}/faults": Doc(summary="Set a fault", body=FAULT, example=_RULE),
        f"GET {_ONE}/faults": Doc(),
        f"DELETE {_ONE}/faults": Doc(),
        f"DELETE {_ONE}/faults/{{fault}}": Doc(first=(_FAULT,)),
        f"GET {_ONE}/journal": Doc(summary="The money that moved"),
        f"GET {_ONE}/settlement": Doc(
            summary="The settlement file", query={"from": text(), "to": text()}, answers="text/csv"
        ),
        f"GET {_ONE}/requests": Doc(summary="The requests received"),
        f"GET {_ONE}/clock": Doc(),
        f"POST {_ONE}/clock": Doc(summary="Move the clock forward", body=CLOCK, example={"advance_s": 60}),
        f"POST {_ONE}/reset": Doc(summary="Forget everything but keys and webhook address"),
        f"GET {_ONE}/webhooks": Doc(summary="Deliveries"),
        f"POST {_ONE}/webhooks/{{event}}/resend": Doc(
            summary="Send a notification again", first=(_LISTENING, _PAY, _TOLD)
        ),
        f"POST {_ONE}/settle": Doc(
            summary="Move a resource by hand", body=SETTLE, first=(_PENDING, _PAY), example={"object": "{object}"}
        ),
        f"PUT {_ONE}/lifecycle": Doc(
            summary="How resources move",
            body={"type": "object", "additionalProperties": MODE},
            example={"refund": {"after": 60}},
        ),
    },
)  # fmt: skip
"""The steps that come first speak to dummypay."""


def control_document(url: str, routes: Iterable[tuple[str, str]]) -> Json:
    """The document for the (method, path) pairs that the application serves."""
    return document("Control plane", url, (Operation(method, path) for method, path in routes), CONTROL)
