"""Stripe's operations for the kit's OpenAPI document: schemas from the parameter tables, and one example of each."""

from collections.abc import Mapping
from typing import Any

from simulators.kit.openapi import BEARER, FORM, HTML, Description, Doc, Step
from simulators.stripe.params import (
    METADATA_KEY_LENGTH,
    METADATA_VALUE_LENGTH,
    Anything,
    Choice,
    Flag,
    Hash,
    Listed,
    Metadata,
    Moment,
    Reader,
    Refused,
    Text,
    Whole,
)  # fmt: skip
from simulators.stripe.routes import OPERATIONS

Json = dict[str, Any]
_WHOLE: Json = {"type": "integer", "minimum": -(10**12), "maximum": 10**12}


def schema_of(reader: Reader) -> Json:
    """JSON Schema of what a parameter's type accepts. Raises TypeError for a type that it does not know."""
    match reader:
        case Text():
            return {"type": "string", "maxLength": reader.longest, **({} if reader.unset else {"minLength": 1})}
        case Whole():
            return _WHOLE
        case Flag():
            return {"type": "boolean"}
        case Choice():
            return {"type": "string", "enum": [*reader.words, *([""] if reader.unset else [])]}
        case Hash():
            return members_schema(reader.members)
        case Listed():
            return {"type": "array", "items": schema_of(reader.item), "maxItems": 20}
        case Metadata():
            value = {"type": "string", "maxLength": METADATA_VALUE_LENGTH}
            names = {"type": "string", "minLength": 1, "maxLength": METADATA_KEY_LENGTH, "pattern": "^[^\\[\\]]+$"}
            return {"type": "object", "additionalProperties": value, "propertyNames": names, "maxProperties": 50}
        case Moment():
            limits = dict.fromkeys(("gt", "gte", "lt", "lte"), _WHOLE)
            return {"type": "object", "properties": limits, "additionalProperties": False}
        case Anything():
            return {"type": "string"}
    raise TypeError(f"no schema for {type(reader).__name__}")


def members_schema(members: Mapping[str, Reader]) -> Json:
    """The schema of a hash; parameters that are refused are left out."""
    known = {name: reader for name, reader in members.items() if not isinstance(reader, Refused)}
    needed = [name for name, reader in known.items() if reader.required]
    found: Json = {
        "type": "object",
        "properties": {name: schema_of(reader) for name, reader in known.items()},
        "additionalProperties": False,
    }
    return {**found, "required": needed} if needed else found


_PAY: Json = {"amount": 4200, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
_INTENT = {"intent": "id", "charge": "latest_charge"}


def _intent(**more: Any) -> Step:
    return Step("POST /v1/payment_intents", {**_PAY, **more}, _INTENT)


PAID = _intent()
HELD = _intent(capture_method="manual")
OPEN = _intent(confirm=False)
RAISABLE = _intent(
    capture_method="manual", payment_method_options={"card": {"request_incremental_authorization": "if_available"}}
)
CHALLENGED = _intent(payment_method="pm_card_authenticationRequired")
REFUNDED = Step("POST /v1/refunds", {"payment_intent": "{intent}", "amount": 100}, {"refund": "id"})
CUSTOMER = Step("POST /v1/customers", {"email": "ann@example.com"}, {"customer": "id"})
METHOD = Step(
    "POST /v1/payment_methods",
    {"type": "card", "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2039, "cvc": "123"}},
    {"payment_method": "id"},
)
ATTACHED = Step("POST /v1/payment_methods/{payment_method}/attach", {"customer": "{customer}"})
SETUP = Step("POST /v1/setup_intents", {"payment_method": "pm_card_visa"}, {"intent": "id"})
ACCEPTED: Json = {"customer_acceptance": {"type": "offline"}}
MANDATE = Step(
    "POST /v1/setup_intents",
    {"payment_method": "pm_card_visa", "confirm": True, "mandate_data": ACCEPTED},
    {"mandate": "mandate"},
)
ENDPOINT = Step(
    "POST /v1/webhook_endpoints",
    {"url": "http://127.0.0.1:9/", "enabled_events": ["payout.reconciliation_completed"]},
    {"webhook_endpoint": "id"},
)
DISPUTED = (
    _intent(payment_method="pm_card_createDispute"),
    Step("GET /v1/disputes", None, {"dispute": "data.0.id"}),
)
WARNED = (
    _intent(payment_method="pm_card_createIssuerFraudRecord"),
    Step("GET /v1/radar/early_fraud_warnings", None, {"early_fraud_warning": "data.0.id"}),
)
BOOKED = (PAID, Step("GET /v1/balance_transactions", None, {"id": "data.0.id"}))
RICH = (PAID, Step("CONTROL POST /clock", {"advance_s": 3 * 86_400}))
PAYOUT = (*RICH, Step("POST /v1/payouts", {"amount": 100, "currency": "eur"}, {"payout": "id"}))
INTERVAL: Json = {
    "report_type": "balance.summary.1",
    "parameters": {"interval_start": 1_500_000_000, "interval_end": 1_900_000_000},
}
RUN = Step("POST /v1/reporting/report_runs", INTERVAL, {"report_run": "id"})
FILED = (RUN, Step("GET /v1/reporting/report_runs/{report_run}", None, {"file": "result.id", "id": "result.id"}))

_NEEDED: dict[str, tuple[Step, ...]] = {
    "intent": (PAID,),
    "charge": (PAID,),
    "refund": (PAID, REFUNDED),
    "customer": (CUSTOMER,),
    "payment_method": (CUSTOMER, METHOD, ATTACHED),
    "webhook_endpoint": (ENDPOINT,),
    "mandate": (MANDATE,),
    "dispute": DISPUTED,
    "early_fraud_warning": WARNED,
    "payout": PAYOUT,
    "report_type": (Step("GET /v1/reporting/report_types", None, {"report_type": "data.0.id"}),),
    "report_run": (RUN,),
    "file": FILED,
}
"""What makes the object that a path names."""

_FIRST: dict[str, tuple[Step, ...]] = {
    "POST /v1/payment_intents/{intent}": (OPEN,),
    "POST /v1/payment_intents/{intent}/confirm": (OPEN,),
    "POST /v1/payment_intents/{intent}/capture": (HELD,),
    "POST /v1/payment_intents/{intent}/cancel": (HELD,),
    "POST /v1/payment_intents/{intent}/increment_authorization": (RAISABLE,),
    "POST /v1/charges/{charge}/capture": (HELD,),
    "POST /v1/refunds": (PAID,),
    "POST /v1/payment_methods/{payment_method}/attach": (CUSTOMER, METHOD),
    "GET /v1/customers/{customer}/payment_methods/{payment_method}": (CUSTOMER, METHOD, ATTACHED),
    "GET /v1/setup_intents/{intent}": (SETUP,),
    "POST /v1/setup_intents/{intent}": (SETUP,),
    "POST /v1/setup_intents/{intent}/confirm": (SETUP,),
    "POST /v1/setup_intents/{intent}/cancel": (SETUP,),
    "POST /v1/payouts": RICH,
    "GET /v1/balance_transactions/{id}": BOOKED,
    "GET /v1/events/{id}": (PAID, Step("GET /v1/events", None, {"id": "data.0.id"})),
}
"""Where the usual object would not do."""

_EXAMPLES: dict[str, Any] = {
    "POST /v1/payment_intents": {**_PAY, "metadata": {"order": "7"}},
    "GET /v1/payment_intents/search": {"query": "status:'succeeded'"},
    "POST /v1/payment_intents/{intent}": {"amount": 4300},
    "POST /v1/payment_intents/{intent}/capture": {"amount_to_capture": 4000},
    "POST /v1/payment_intents/{intent}/increment_authorization": {"amount": 5000},
    "GET /v1/charges/search": {"query": "amount>100"},
    "POST /v1/charges/{charge}": {"description": "one book"},
    "POST /v1/refunds": {"payment_intent": "{intent}", "amount": 100},
    "POST /v1/refunds/{refund}": {"metadata": {"a": "b"}},
    "POST /v1/payment_methods": METHOD.body,
    "POST /v1/payment_methods/{payment_method}": {"card": {"exp_year": 2040}},
    "POST /v1/payment_methods/{payment_method}/attach": {"customer": "{customer}"},
    "POST /v1/customers": CUSTOMER.body,
    "POST /v1/customers/{customer}": {"name": "Ann"},
    "POST /v1/setup_intents": {"payment_method": "pm_card_visa", "confirm": True, "mandate_data": ACCEPTED},
    "POST /v1/webhook_endpoints": ENDPOINT.body,
    "POST /v1/webhook_endpoints/{webhook_endpoint}": {"disabled": True},
    "POST /v1/disputes/{dispute}": {"evidence": {"uncategorized_text": "winning_evidence"}},
    "POST /v1/payouts": {"amount": 100, "currency": "eur"},
    "POST /v1/payouts/{payout}": {"metadata": {"a": "b"}},
    "POST /v1/reporting/report_runs": INTERVAL,
}
_REFUSES = {
    "POST /v1/refunds/{refund}/cancel": "A card's refund never requires the action from which it can be canceled."
}


def _doc(method: str, path: str, members: Mapping[str, Reader], summary: str) -> Doc:
    key = f"{method} {path}"
    names = [segment[1:-1] for segment in path.split("/") if segment.startswith("{")]
    first = _FIRST.get(key, tuple(step for name in names for step in _NEEDED.get(name, ())))
    schema = members_schema(members)
    return Doc(
        summary=summary,
        body=schema if method == "POST" else None,
        query=schema["properties"] if method != "POST" else {},
        example=_EXAMPLES.get(key, {} if method == "POST" else None),
        first=first,
        refuses=_REFUSES.get(key),
    )


_AUTHENTICATE = "/simulator/authenticate/{id}"
_CHALLENGE = Step(CHALLENGED.call, CHALLENGED.body, {"id": "id"})
_PAGES: dict[str, Doc] = {
    "GET /v1/files/{id}/contents": Doc(summary="A report's text", answers="text/csv", first=FILED),
    f"GET {_AUTHENTICATE}": Doc(summary="The challenge's page", answers=HTML, first=(_CHALLENGE,)),
    f"POST {_AUTHENTICATE}": Doc(
        summary="The shopper's answer",
        answers=HTML,
        body={"type": "object", "properties": {"result": {"type": "string", "enum": ["complete", "fail"]}}},
        example={"result": "complete"},
        first=(_CHALLENGE,),
    ),
    "GET /simulator/receipts/{id}": Doc(
        summary="A receipt", answers=HTML, first=(Step(PAID.call, PAID.body, {"id": "latest_charge"}),)
    ),
}

DESCRIPTION = Description(
    security=BEARER,
    media_type=FORM,
    operations={
        **{
            f"{one.method} {one.path}": _doc(
                one.method, one.path, one.members, (one.handler.__doc__ or "").partition("\n")[0]
            )
            for one in OPERATIONS
        },
        **_PAGES,
    },
)
