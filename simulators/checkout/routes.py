"""Checkout.com's endpoints, and the dialect that the kit needs."""

from simulators.checkout import disputes, errors, movements, operations, payments, threeds, vault, wire
from simulators.kit.idempotency import IdempotencyPolicy
from simulators.kit.routing import Route
from simulators.kit.spec import Dialect

ROUTES = (
    Route("POST", "/payments", payments.create, "authorize", payments.facts),
    Route("GET", "/payments", payments.list_by_reference, "read", payments.list_facts),
    Route("GET", "/payments/{id}", payments.get, "read", read_id="id"),
    Route("GET", "/payments/{id}/actions", payments.actions, "read", read_id="id"),
    Route("POST", "/payments/{id}/captures", operations.accept, "capture", operations.capture_facts),
    Route("POST", "/payments/{id}/voids", operations.accept, "void", operations.void_facts),
    Route("POST", "/payments/{id}/refunds", operations.accept, "refund", operations.refund_facts),
    Route("POST", "/payments/{id}/reversals", operations.accept, "void", operations.reversal_facts),
    Route(
        "POST",
        "/payments/{id}/authorizations",
        operations.increment,
        "authorize",
        operations.increment_facts,
    ),
    Route("POST", "/tokens", vault.create_token, account=wire.with_public_key),
    Route("POST", "/instruments", vault.create_instrument),
    Route("GET", "/instruments/{id}", vault.get_instrument, "read"),
    Route("PATCH", "/instruments/{id}", vault.update_instrument),
    Route("DELETE", "/instruments/{id}", vault.delete_instrument),
    Route("POST", "/customers", vault.create_customer),
    Route("GET", "/customers/{id}", vault.get_customer, "read"),
    Route("PATCH", "/customers/{id}", vault.update_customer),
    Route("DELETE", "/customers/{id}", vault.delete_customer),
    Route("GET", "/disputes", disputes.listing, "read"),
    Route("GET", "/disputes/{id}", disputes.get, "read"),
    Route("POST", "/disputes/{id}/accept", disputes.accept),
    Route("PUT", "/disputes/{id}/evidence", disputes.provide),
    Route("GET", "/disputes/{id}/evidence", disputes.evidence, "read"),
    Route("POST", "/disputes/{id}/evidence", disputes.submit),
    Route("POST", "/connect/token", wire.access_token, account=wire.with_client),
    *threeds.PAGES,
)

DIALECT = Dialect(
    credential=wire.credential,
    parse=wire.parse,
    problem=errors.problem,
    idempotency_key=wire.idempotency_key,
    idempotency=IdempotencyPolicy(keeps="success", same_request=False, retention_s=wire.KEY_RETENTION_S),
    actions={**movements.ACTIONS, **disputes.ACTIONS},
    indexes={
        "payments": ("reference", "session"),
        "actions": ("payment",),
        "instruments": ("fingerprint",),
        "customers": ("email",),
        "disputes": ("payment",),
    },
    sign=wire.sign,
    webhook_schedule=wire.WEBHOOK_SCHEDULE_S,
    webhook_headers={"User-Agent": "Checkout.com/1"},
)
