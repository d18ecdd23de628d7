"""`expand[]`: ids in an answer become the objects they name, along dotted paths, `data.` for the elements of a list."""

from collections.abc import Mapping
from typing import Any

from simulators.stripe import balance
from simulators.stripe.call import Call
from simulators.stripe.errors import StripeError, invalid
from simulators.stripe.objects import Json, listing

MAX_DEPTH = 4
"""Levels that one path may expand, from the public page "Expanding responses"."""

EXPANDABLE: Mapping[str, Mapping[str, str]] = {
    "payment_intent": {"customer": "customer", "latest_charge": "charge", "payment_method": "payment_method"},
    "charge": {
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "payment_intent": "payment_intent",
        "refunds": "refunds",
    },
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
    },
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "payout": {
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
    },
    "mandate": {"payment_method": "payment_method"},
    "radar.early_fraud_warning": {"charge": "charge", "payment_intent": "payment_intent"},
    "setup_intent": {
        "customer": "customer",
        "latest_attempt": "setup_attempt",
        "mandate": "mandate",
        "payment_method": "payment_method",
    },
    "setup_attempt": {"customer": "customer", "payment_method": "payment_method", "setup_intent": "setup_intent"},
    "payment_method": {"customer": "customer"},
    "customer": {},
    "balance_transaction": {"source": "source"},
}
"""Object → field → collection of what the field names."""

ALWAYS_NULL: Mapping[str, frozenset[str]] = {
    "payment_intent": frozenset(["application", "on_behalf_of", "review", "source", "invoice"]),
    "charge": frozenset(
        ["application", "application_fee", "failure_balance_transaction", "on_behalf_of", "review",
         "source_transfer", "invoice"]
    ),
    "refund": frozenset(["source_transfer_reversal", "transfer_reversal"]),
    "payout": frozenset(["destination", "original_payout", "reversed_by"]),
    "setup_intent": frozenset(["application", "on_behalf_of", "single_use_mandate"]),
    "customer": frozenset(["default_source", "test_clock"]),
}  # fmt: skip
"""Fields that may be expanded and that name nothing here: null, or the id of the bank account."""

SOURCES = ("charge", "refund", "dispute", "payout")
"""What a balance transaction may come from."""

_NESTED_HASHES = {"customer": frozenset(["invoice_settings"])}
_IN_HASH = {("customer", "invoice_settings"): {"default_payment_method": "payment_method"}}


def _refusal(path: str) -> StripeError:
    return invalid(f"This property cannot be expanded ({path}).", param="expand")


def expand(call: Call, answer: Json) -> Json:
    """Return `answer` with the request's `expand` paths applied. Raises `invalid_request_error` where it can't be."""
    for path in call.params.get("expand", ()):
        segments = path.split(".")
        if len(segments) > MAX_DEPTH + (segments[0] == "data"):
            raise invalid("You cannot expand more than 4 levels of a property.", param="expand")
        answer = _expand(call, answer, segments, path)
    return answer


def _expand(call: Call, node: Json, segments: list[str], path: str) -> Json:
    head, rest = segments[0], segments[1:]
    kind = node.get("object", "")
    if kind in ("list", "search_result"):
        if head != "data":
            raise _refusal(path)
        if not rest:
            return node
        return {**node, "data": [_expand(call, item, rest, path) for item in node["data"]]}
    if head in _NESTED_HASHES.get(kind, ()) and rest:
        inner = _field(call, node[head], rest, path, _IN_HASH[(kind, head)], frozenset())
        return {**node, head: inner}
    return _field(call, node, segments, path, EXPANDABLE.get(kind, {}), ALWAYS_NULL.get(kind, frozenset()))


def _field(
    call: Call, node: Json, segments: list[str], path: str, known: Mapping[str, str], null: frozenset[str]
) -> Json:
    head, rest = segments[0], segments[1:]
    if head not in known:
        if head in null:
            return node
        raise _refusal(path)
    value: Any = node.get(head)
    if known[head] == "refunds":
        value = value or _refunds(call, node)
    elif isinstance(value, str):
        value = _load(call, known[head], value)
    if value is None:
        return node
    return {**node, head: _expand(call, value, rest, path) if rest else value}


def _load(call: Call, collection: str, identifier: str) -> Any:
    if collection == "balance_transaction":
        kept = call.get("balance_transaction", identifier)
        return identifier if kept is None else balance.shown(call, kept)
    if collection == "source":
        return next((f for kind in SOURCES if (f := call.get(kind, identifier)) is not None), identifier)
    return call.get(collection, identifier) or identifier


def _refunds(call: Call, charge: Json) -> Json:
    found = list(reversed(call.find("refund", "charge", charge["id"])))
    return listing(f"/v1/charges/{charge['id']}/refunds", found[:10], len(found) > 10)
