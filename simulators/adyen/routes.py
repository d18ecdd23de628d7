"""The API's operations under each version's path, and the pages beside them."""

from collections.abc import Callable
from dataclasses import dataclass

from simulators.adyen import modifications, payments, sessions, stored
from simulators.adyen.pages import PAGES
from simulators.kit.accounts import World
from simulators.kit.app import Application
from simulators.kit.exchange import Exchange
from simulators.kit.faults import Facts
from simulators.kit.routing import Handler, Route
from simulators.kit.spec import AsgiApp

VERSIONS = ("v71", "v72")
"""v72 is what current SDKs speak; it has the same operations."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `rule` is the word that fault rules know it by."""

    method: str
    path: str
    handler: Handler
    facts: Callable[[Exchange], Facts]
    rule: str = "*"


def _modification(path: str, kind: str, rule: str) -> Operation:
    return Operation("POST", path, modifications.handler(kind), modifications.facts(kind), rule)


_PAYMENT = "/payments/{paymentPspReference}"
OPERATIONS: tuple[Operation, ...] = (
    Operation("POST", "/payments", payments.create, payments.payment_facts, "authorize"),
    Operation("POST", "/payments/details", payments.details, payments.details_facts, "authorize"),
    _modification(_PAYMENT + "/captures", "capture", "capture"),
    _modification(_PAYMENT + "/cancels", "cancel", "void"),
    _modification(_PAYMENT + "/refunds", "refund", "refund"),
    _modification(_PAYMENT + "/reversals", "reversal", "void"),
    _modification(_PAYMENT + "/amountUpdates", "adjustment", "*"),
    _modification("/cancels", "technical_cancel", "void"),
    Operation("POST", "/sessions", sessions.create, sessions.create_facts),
    Operation("GET", "/sessions/{sessionId}", sessions.result, sessions.result_facts, "read"),
    Operation("POST", "/paymentMethods", stored.methods, stored.methods_facts, "read"),
    Operation("POST", "/cardDetails", stored.card_details, stored.card_facts, "read"),
    Operation("GET", "/storedPaymentMethods", stored.list_stored, stored.list_facts, "read"),
    Operation("POST", "/storedPaymentMethods", stored.store, stored.store_facts),
    Operation("DELETE", "/storedPaymentMethods/{storedPaymentMethodId}", stored.remove, stored.remove_facts),
)

ROUTES = tuple(
    Route(one.method, f"/{version}{one.path}", one.handler, operation=one.rule, facts=one.facts)
    for version in VERSIONS
    for one in OPERATIONS
)


def build(world: World) -> AsgiApp:
    """The ASGI application."""
    return Application(world, ROUTES + PAGES)
