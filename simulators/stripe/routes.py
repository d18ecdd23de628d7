"""The API's operations: method and path → handler, parameters, and what fault rules call it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulators.stripe import (
    balance,
    captures,
    charges,
    customers,
    disputes,
    events,
    increments,
    intents,
    mandates,
    payment_methods,
    payouts,
    refunds,
    reports,
    search,
    setup_intents,
)  # fmt: skip
from simulators.stripe import parameters as p
from simulators.stripe import parameters_kept as k
from simulators.stripe import parameters_money as m
from simulators.stripe.call import Call
from simulators.stripe.lists import PAGE
from simulators.stripe.objects import Json
from simulators.stripe.params import Reader


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `rule` is the word that fault rules know it by (architecture §6); `*`: none of them."""

    method: str
    path: str
    handler: Callable[[Call], Json]
    members: Mapping[str, Reader]
    rule: str = "*"

    @property
    def needed(self) -> list[str]:
        """Names of the parameters that must be given."""
        return [name for name, member in self.members.items() if member.required]


def _search_intents(call: Call) -> Json:
    return search.search(call, "payment_intent", "/v1/payment_intents/search")


def _search_charges(call: Call) -> Json:
    return search.search(call, "charge", "/v1/charges/search")


def _get(path: str, handler: Callable[[Call], Json], members: Mapping[str, Reader]) -> Operation:
    return Operation("GET", path, handler, members, "read")


def _post(path: str, handler: Callable[[Call], Json], members: Mapping[str, Reader], rule: str = "*") -> Operation:
    return Operation("POST", path, handler, members, rule)


def _delete(path: str, handler: Callable[[Call], Json]) -> Operation:
    return Operation("DELETE", path, handler, {})


_INTENT = "/v1/payment_intents/{intent}"
_SETUP = "/v1/setup_intents/{intent}"
_METHOD = "/v1/payment_methods/{payment_method}"
_CUSTOMER = "/v1/customers/{customer}"
_DISPUTE = "/v1/disputes/{dispute}"
_PAYOUT = "/v1/payouts/{payout}"
_ENDPOINT = "/v1/webhook_endpoints/{webhook_endpoint}"

OPERATIONS: tuple[Operation, ...] = (
    _post("/v1/payment_intents", intents.create, p.INTENT_CREATE, "authorize"),
    _get("/v1/payment_intents", intents.list_all, p.INTENT_LIST),
    _get("/v1/payment_intents/search", _search_intents, p.SEARCH),
    _get(_INTENT, intents.retrieve, p.INTENT_READ),
    _post(_INTENT, intents.update, p.INTENT_UPDATE),
    _post(_INTENT + "/confirm", intents.confirm_existing, p.INTENT_CONFIRM, "authorize"),
    _post(_INTENT + "/capture", captures.capture, p.INTENT_CAPTURE, "capture"),
    _post(_INTENT + "/cancel", intents.cancel, p.INTENT_CANCEL, "void"),
    _post(_INTENT + "/increment_authorization", increments.increment, p.INTENT_INCREMENT, "authorize"),
    _get("/v1/charges", charges.list_all, p.CHARGE_LIST),
    _get("/v1/charges/search", _search_charges, p.SEARCH),
    _get("/v1/charges/{charge}", charges.retrieve, p.EXPAND),
    _post("/v1/charges/{charge}", charges.update, p.CHARGE_UPDATE),
    _post("/v1/charges/{charge}/capture", charges.capture, p.CHARGE_CAPTURE, "capture"),
    _post("/v1/refunds", refunds.create, p.REFUND_CREATE, "refund"),
    _get("/v1/refunds", refunds.list_all, p.REFUND_LIST),
    _get("/v1/refunds/{refund}", refunds.retrieve, p.EXPAND),
    _post("/v1/refunds/{refund}", refunds.update, p.METADATA_UPDATE),
    _post("/v1/refunds/{refund}/cancel", refunds.cancel, p.EXPAND),
    _post("/v1/payment_methods", payment_methods.create, k.METHOD_CREATE),
    _get("/v1/payment_methods", payment_methods.list_all, k.METHOD_LIST),
    _get(_METHOD, payment_methods.retrieve, p.EXPAND),
    _post(_METHOD, payment_methods.update, k.METHOD_UPDATE),
    _post(_METHOD + "/attach", payment_methods.attach, k.METHOD_ATTACH),
    _post(_METHOD + "/detach", payment_methods.detach, p.EXPAND),
    _post("/v1/customers", customers.create, k.CUSTOMER_CREATE),
    _get("/v1/customers", customers.list_all, k.CUSTOMER_LIST),
    _get(_CUSTOMER, customers.retrieve, p.EXPAND),
    _post(_CUSTOMER, customers.update, k.CUSTOMER_UPDATE),
    _delete(_CUSTOMER, customers.delete),
    _get(_CUSTOMER + "/payment_methods", customers.methods, k.METHOD_LIST),
    _get(_CUSTOMER + "/payment_methods/{payment_method}", customers.method, p.EXPAND),
    _post("/v1/setup_intents", setup_intents.create, k.SETUP_CREATE),
    _get("/v1/setup_intents", setup_intents.list_all, k.SETUP_LIST),
    _get(_SETUP, setup_intents.retrieve, p.INTENT_READ),
    _post(_SETUP, setup_intents.update, k.SETUP_COMMON),
    _post(_SETUP + "/confirm", setup_intents.confirm_existing, k.SETUP_CONFIRM),
    _post(_SETUP + "/cancel", setup_intents.cancel, k.SETUP_CANCEL),
    _get("/v1/mandates/{mandate}", mandates.retrieve, p.EXPAND),
    _get("/v1/disputes", disputes.list_all, m.DISPUTE_LIST),
    _get(_DISPUTE, disputes.retrieve, p.EXPAND),
    _post(_DISPUTE, disputes.update, m.DISPUTE_UPDATE),
    _post(_DISPUTE + "/close", disputes.close, p.EXPAND),
    _get("/v1/radar/early_fraud_warnings", disputes.list_warnings, m.WARNING_LIST),
    _get("/v1/radar/early_fraud_warnings/{early_fraud_warning}", disputes.retrieve_warning, p.EXPAND),
    _get("/v1/balance", balance.retrieve_balance, p.EXPAND),
    _get("/v1/balance_transactions", balance.list_all, m.BALANCE_LIST),
    _get("/v1/balance_transactions/{id}", balance.retrieve, p.EXPAND),
    _post("/v1/payouts", payouts.create, m.PAYOUT_CREATE),
    _get("/v1/payouts", payouts.list_all, m.PAYOUT_LIST),
    _get(_PAYOUT, payouts.retrieve, p.EXPAND),
    _post(_PAYOUT, payouts.update, p.METADATA_UPDATE),
    _post(_PAYOUT + "/cancel", payouts.cancel, p.EXPAND),
    _get("/v1/reporting/report_types", reports.list_types, p.EXPAND),
    _get("/v1/reporting/report_types/{report_type}", reports.retrieve_type, p.EXPAND),
    _post("/v1/reporting/report_runs", reports.create, m.REPORT_CREATE),
    _get("/v1/reporting/report_runs", reports.list_all, m.REPORT_LIST),
    _get("/v1/reporting/report_runs/{report_run}", reports.retrieve, p.EXPAND),
    _get("/v1/files/{file}", reports.retrieve_file, p.EXPAND),
    _get("/v1/events", events.list_all, k.EVENT_LIST),
    _get("/v1/events/{id}", events.retrieve, p.EXPAND),
    _post("/v1/webhook_endpoints", events.create_endpoint, k.ENDPOINT_CREATE),
    _get("/v1/webhook_endpoints", events.list_endpoints, PAGE),
    _get(_ENDPOINT, events.retrieve_endpoint, p.EXPAND),
    _post(_ENDPOINT, events.update_endpoint, k.ENDPOINT_UPDATE),
    _delete(_ENDPOINT, events.delete_endpoint),
)

INDEXES: dict[str, tuple[str, ...]] = {
    "payment_intent": ("customer",),
    "charge": ("payment_intent", "customer"),
    "refund": ("charge", "payment_intent"),
    "dispute": ("charge", "payment_intent"),
    "balance_transaction": ("source", "payout"),
    "payment_method": ("customer",),
}
"""Fields that lists and handlers look objects up by."""
