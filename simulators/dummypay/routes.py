"""Dummypay's endpoints."""

from typing import Any

from simulators.dummypay import errors, movements, wire
from simulators.kit import lifecycle
from simulators.kit.exchange import Exchange
from simulators.kit.faults import Facts, brought
from simulators.kit.http import Answer
from simulators.kit.routing import Handler, Route

Json = dict[str, Any]
REFUND_WITHIN_S = 180 * 86_400


# -- facts: what rules may match
def _charge_facts(x: Exchange) -> Facts:
    card = wire.card_of(x.body)
    facts = Facts(
        "authorize",
        amount=wire.amount_of(x.body),
        currency=wire.currency_of(x.body),
        email=wire.text_of(x.body, "email"),
        reference=wire.text_of(x.body, "reference"),
        payment=wire.text_of(x.body, "payment"),
        brought=brought(wire.text_of(x.body, "previous_network_transaction_id"), wire.authentication_of(x.body)),
    )
    return wire.facts_with_card(facts, x.card(card["number"], card["exp_month"], card["exp_year"], card.get("name")))


def _operation_facts(x: Exchange) -> Facts:
    charge = _charge(x)
    facts = Facts(
        x.route.operation,
        amount=wire.amount_of(x.body, default=max(1, _rest(x, charge))),  # nothing left: the handler says so
        currency=charge["currency"],
        reference=wire.text_of(x.body, "reference"),
        payment=charge["payment"],
    )
    return wire.facts_with_card(facts, charge["card"])


def _read_facts(x: Exchange) -> Facts:
    return Facts("read", reference=x.request.query.get("reference"), payment=x.request.query.get("payment"))


# -- handlers
def create_charge(x: Exchange) -> Answer:
    """POST /v1/charges"""
    sent = x.body["card"]
    charge: Json = {
        "id": x.new_id("ch_"),
        "object": "charge",
        "status": "pending",
        "amount": x.amount,
        "amount_captured": 0,
        "amount_refunded": 0,
        "currency": x.facts.currency,
        "code": None,
        "message": None,
        "network_advice": None,
        "network_transaction_id": None,
        "reference": x.facts.reference,
        "payment": x.facts.payment,
        "description": wire.prose_of(x.body, "description"),
        "initiator": wire.initiator_of(x.body),
        "expired": False,
        "created": x.account.now(),
        "capture": wire.flag_of(x.body, "capture"),
        "card": x.card(sent["number"], sent["exp_month"], sent["exp_year"], sent.get("name")),
    }
    _answered(x, charge)
    return Answer.json(200, movements.charge_view(charge))


def capture_charge(x: Exchange) -> Answer:
    """POST /v1/charges/{id}/capture"""
    charge = _charge(x)
    if charge["status"] != "authorized" or _waiting(x, "voids", charge):
        errors.wrong_state(f"A charge that is {charge['status']} cannot be captured.")
    if x.amount > _rest(x, charge):
        errors.invalid("amount", "More than is left of the authorization.")
    return _operate(x, charge, {"final": wire.flag_of(x.body, "final")})


def void_charge(x: Exchange) -> Answer:
    """POST /v1/charges/{id}/void"""
    charge = _charge(x)
    if charge["status"] != "authorized" or charge["amount_captured"] or _waiting(x, "captures", charge):
        errors.wrong_state(f"A charge that is {charge['status']}, or captured in part, cannot be voided.")
    if _waiting(x, "voids", charge):
        errors.wrong_state("A void of this charge is pending.")
    return _operate(x, charge, {})


def refund_charge(x: Exchange) -> Answer:
    """POST /v1/charges/{id}/refunds"""
    charge = _charge(x)
    if not charge["amount_captured"]:
        errors.wrong_state(f"A charge that is {charge['status']} has nothing to give back.")
    if x.account.clock.now() > charge["created"] + REFUND_WITHIN_S:
        errors.too_late("A charge is refunded within 180 days.")
    if x.amount > _rest(x, charge):
        errors.invalid("amount", "More than is left of the captured amount.")
    return _operate(x, charge, {"reason": wire.prose_of(x.body, "reason")})


def _operate(x: Exchange, charge: Json, extra: Json) -> Answer:
    kind = x.route.operation
    operation: Json = {
        "id": x.new_id({"capture": "cap_", "void": "void_", "refund": "ref_"}[kind]),
        "object": kind,
        "status": "pending",
        "charge": charge["id"],
        "amount": x.amount,
        "currency": charge["currency"],
        "code": None,
        "message": None,
        "reference": x.facts.reference,
        "payment": charge["payment"],
        "created": x.account.now(),
        **extra,
    }
    _answered(x, operation)
    return Answer.json(200, movements.public(operation))


def _answered(x: Exchange, thing: Json) -> None:
    """Do what the acquirer says: come to rest now, or wait."""
    x.made = thing["id"]
    verdict = x.verdict
    if verdict.decline is not None:
        if thing["object"] == "charge":
            thing["network_advice"] = verdict.decline.advice
        movements.conclude(x.account, thing, verdict.decline.code)
    elif verdict.approved:
        movements.conclude(x.account, thing, "approve")
    else:
        x.store.put(movements.COLLECTIONS[thing["object"]], thing)
        lifecycle.start(x.account, thing["id"], "settle", verdict.mode(), {"then": verdict.then})


def _get(collection: str, what: str) -> Handler:
    def handler(x: Exchange) -> Answer:
        found = x.store.get(collection, x.params["id"])
        return Answer.json(200, _view(found)) if found is not None else errors.not_found(what)

    return handler


def _list(collection: str) -> Handler:
    def handler(x: Exchange) -> Answer:
        wanted = {name: x.request.query[name] for name in ("reference", "payment") if name in x.request.query}
        if not wanted:
            errors.invalid("reference", "Say which: reference, or payment.")
        (field, value), *others = wanted.items()
        found = [item for item in x.store.find(collection, field, value) if all(item[k] == v for k, v in others)]
        return Answer.json(200, {"object": "list", "data": [_view(item) for item in found]})

    return handler


def _view(thing: Json) -> Json:
    return movements.charge_view(thing) if thing["object"] == "charge" else movements.public(thing)


def _charge(x: Exchange) -> Json:
    return x.store.get("charges", x.params["id"]) or errors.not_found("charge")


def _waiting(x: Exchange, collection: str, charge: Json) -> list[Json]:
    return [item for item in x.store.find(collection, "charge", charge["id"]) if item["status"] == "pending"]


def _rest(x: Exchange, charge: Json) -> int:
    """What the operation may move at most, in minor units; pending operations hold their share."""
    if x.route.operation == "refund":
        held = sum(item["amount"] for item in _waiting(x, "refunds", charge))
        return int(charge["amount_captured"] - charge["amount_refunded"] - held)
    held = sum(item["amount"] for item in _waiting(x, "captures", charge))
    return int(charge["amount"] - charge["amount_captured"] - held)


ROUTES = (
    Route("POST", "/v1/charges", create_charge, "authorize", _charge_facts),
    Route("POST", "/v1/charges/{id}/capture", capture_charge, "capture", _operation_facts),
    Route("POST", "/v1/charges/{id}/void", void_charge, "void", _operation_facts),
    Route("POST", "/v1/charges/{id}/refunds", refund_charge, "refund", _operation_facts),
    *(
        route
        for collection, what in (
            ("charges", "charge"),
            ("captures", "capture"),
            ("voids", "void"),
            ("refunds", "refund"),
        )
        for route in (
            Route("GET", f"/v1/{collection}", _list(collection), "read", _read_facts),
            Route("GET", f"/v1/{collection}/{{id}}", _get(collection, what), "read", _read_facts, read_id="id"),
        )
    ),
)
