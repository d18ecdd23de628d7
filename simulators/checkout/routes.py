"""Checkout.com's endpoints, and the dialect that the kit needs."""

from simulators.checkout import errors, movements, operations, payments, threeds, vault, wire
from simulators.kit.idempotency import IdempotencyPolicy
from simulators.kit.routing import Route
from simulators.kit.spec import Dialect

_SECRET = wire.with_secret

ROUTES = (
    Route("POST", "/payments", payments.create, "authorize", payments.facts, _SECRET),
    Route("GET", "/payments", payments.list_by_reference, "read", payments.list_facts, _SECRET),
    Route("GET", "/payments/{id}", payments.get, "read", None, _SECRET, read_id="id"),
    Route("GET", "/payments/{id}/actions", payments.actions, "read", None, _SECRET, read_id="id"),
    Route("POST", "/payments/{id}/captures", operations.accept, "capture", operations.capture_facts, _SECRET),
    Route("POST", "/payments/{id}/voids", operations.accept, "void", operations.void_facts, _SECRET),
    Route("POST", "/payments/{id}/refunds", operations.accept, "refund", operations.refund_facts, _SECRET),
    Route("POST", "/payments/{id}/reversals", operations.accept, "void", operations.reversal_facts, _SECRET),
    Route(
        "POST", "/payments/{id}/authorizations", operations.increment, "authorize", operations.increment_facts, _SECRET
    ),
    Route("POST", "/tokens", vault.create_token, account=wire.with_public_key),
    Route("POST", "/instruments", vault.create_instrument, account=_SECRET),
    Route("GET", "/instruments/{id}", vault.get_instrument, "read", None, _SECRET),
    Route("PATCH", "/instruments/{id}", vault.update_instrument, account=_SECRET),
    Route("DELETE", "/instruments/{id}", vault.delete_instrument, account=_SECRET),
    Route("POST", "/customers", vault.create_customer, account=_SECRET),
    Route("GET", "/customers/{id}", vault.get_customer, "read", None, _SECRET),
    Route("PATCH", "/customers/{id}", vault.update_customer, account=_SECRET),
    Route("DELETE", "/customers/{id}", vault.delete_customer, account=_SECRET),
    Route("POST", "/connect/token", wire.access_token, account=wire.with_client),
    *threeds.PAGES,
)

DIALECT = Dialect(
    credential=wire.credential,
    parse=wire.parse,
    problem=errors.problem,
    idempotency_key=wire.idempotency_key,
    idempotency=IdempotencyPolicy(keeps="success", same_request=False, retention_s=wire.KEY_RETENTION_S),
    actions=movements.ACTIONS,
    indexes={
        "payments": ("reference", "session"),
        "actions": ("payment",),
        "instruments": ("fingerprint",),
        "customers": ("email",),
    },
    sign=wire.sign,
    webhook_schedule=wire.WEBHOOK_SCHEDULE_S,
    webhook_headers={"User-Agent": "Checkout.com/1"},
)
