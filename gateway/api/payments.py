"""Payments: create, read, capture, cancel; what happened to them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from gateway.api.auth import Merchant, merchant_of
from gateway.api.common import (
    Cursor,
    IdempotencyHeader,
    Limit,
    PaymentPath,
    TheDoor,
    answer_response,
    checked_id,
    documented_answers,
    door_of,
    idempotency_of,
    json_response,
    link,
    list_of,
    list_response,
    page,
)
from gateway.api.operator_views import TimelineView
from gateway.api.schemas import PRINTABLE, CancelBody, CaptureBody, CreatePaymentBody, ReauthorizeBody
from gateway.api.views import (
    AttemptView,
    EventView,
    LedgerTransactionView,
    OperationView,
    PaymentStatus,
    PaymentView,
)
from gateway.observability import payment_id as payment_context
from gateway.use_cases.cancel_payment import CancelPayment, cancel_payment
from gateway.use_cases.capture_payment import CapturePayment, capture_payment
from gateway.use_cases.create_payment import CreatePayment, create_payment
from gateway.use_cases.reauthorize_payment import ReauthorizePayment, reauthorize_payment

router = APIRouter(tags=["payments"])

_LINKS: dict[str, Any] = {
    "Read": link("get_payment", "path.payment_id"),
    "Capture": link("capture_payment", "path.payment_id"),
    "Cancel": link("cancel_payment", "path.payment_id"),
    "Reauthorize": link("reauthorize_payment", "path.payment_id"),
    "Attempts": link("list_attempts", "path.payment_id"),
    "Operations": link("list_operations", "path.payment_id"),
    "Ledger": link("list_ledger", "path.payment_id"),
    "Events": link("list_payment_events", "path.payment_id"),
    "Timeline": link("get_timeline", "path.payment_id"),
    "Refund": {"operationId": "create_refund", "requestBody": {"payment": "$response.body#/id"}},
}
_PAYMENT = {201: PaymentView, 202: PaymentView}


@router.post("/payments", name="create_payment", status_code=201, responses=documented_answers(_PAYMENT, **_LINKS))
async def create(request: Request, body: CreatePaymentBody, key: IdempotencyHeader = None) -> Response:
    """Charge or reserve an amount. 201 when the payment is at rest, whatever came of it; 202 while `processing`."""
    # The hot path asks for these two itself: resolving them as dependencies costs a tenth of the request.
    door, merchant = await door_of(request), await merchant_of(request)
    command = CreatePayment(
        merchant=merchant,
        amount=body.amount,
        currency=body.currency,
        token=body.token,
        card=body.card.secret() if body.card else None,
        capture_method=body.capture_method,
        reference=body.reference,
        description=body.description,
        metadata=body.metadata,
        network_transaction_id=body.network_transaction_id,
        three_ds=body.three_ds.proof() if body.three_ds else None,
        idempotency=await idempotency_of(request, door, key),
    )
    payment_context.set(command.payment_id)
    return answer_response(await create_payment(door.ports, command))


@router.get("/payments", responses=documented_answers({200: list_of(PaymentView)}))
async def list_payments(
    door: TheDoor,
    merchant: Merchant,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: PaymentStatus | None = None,
    reference: Annotated[str | None, Query(min_length=1, max_length=255, pattern=PRINTABLE)] = None,
) -> Response:
    """The merchant's payments, newest first."""
    p = page(limit, cursor, status=status, reference=reference)
    return list_response(await door.ports.store.call("payment_list_v1", merchant, p))


@router.get("/payments/{payment_id}", responses=documented_answers({200: PaymentView}))
async def get_payment(door: TheDoor, merchant: Merchant, payment_id: PaymentPath) -> Response:
    """One payment as it is now."""
    p = {"payment_id": checked_id(payment_id, "pay")}
    return json_response(await door.ports.store.call("payment_get_v1", merchant, p))


@router.post(
    "/payments/{payment_id}/capture",
    name="capture_payment",
    status_code=201,
    responses=documented_answers(_PAYMENT),
)
async def capture(
    request: Request,
    door: TheDoor,
    merchant: Merchant,
    payment_id: PaymentPath,
    body: CaptureBody | None = None,
    key: IdempotencyHeader = None,
) -> Response:
    """Take all or part of what was authorized. 202 while the result is not known."""
    wanted = body or CaptureBody()
    command = CapturePayment(
        merchant=merchant,
        payment_id=checked_id(payment_id, "pay"),
        amount=wanted.amount,
        final=wanted.final,
        idempotency=await idempotency_of(request, door, key),
    )
    return answer_response(await capture_payment(door.ports, command))


@router.post(
    "/payments/{payment_id}/cancel",
    name="cancel_payment",
    status_code=201,
    responses=documented_answers(_PAYMENT),
)
async def cancel(
    request: Request,
    door: TheDoor,
    merchant: Merchant,
    payment_id: PaymentPath,
    body: CancelBody | None = None,
    key: IdempotencyHeader = None,
) -> Response:
    """Release the authorization; while the attempt is not known yet, record that it shall be released (202)."""
    command = CancelPayment(
        merchant=merchant,
        payment_id=checked_id(payment_id, "pay"),
        reason=body.reason if body else None,
        idempotency=await idempotency_of(request, door, key),
    )
    return answer_response(await cancel_payment(door.ports, command))


@router.post(
    "/payments/{payment_id}/reauthorize",
    name="reauthorize_payment",
    status_code=201,
    responses=documented_answers(_PAYMENT),
)
async def reauthorize(
    request: Request,
    door: TheDoor,
    merchant: Merchant,
    payment_id: PaymentPath,
    body: ReauthorizeBody | None = None,
    key: IdempotencyHeader = None,
) -> Response:
    """Reserve what is not captured again, with the stored card, before the authorization runs out or just after.

    Declined, `decline` says why and the authorization stands as before. 202 while the result is not known.
    """
    command = ReauthorizePayment(
        merchant=merchant,
        payment_id=checked_id(payment_id, "pay"),
        amount=body.amount if body else None,
        idempotency=await idempotency_of(request, door, key),
    )
    return answer_response(await reauthorize_payment(door.ports, command))


@router.get("/payments/{payment_id}/attempts", responses=documented_answers({200: list_of(AttemptView)}))
async def list_attempts(door: TheDoor, merchant: Merchant, payment_id: PaymentPath) -> Response:
    """Which PSPs were asked, in order, and what each said."""
    return await _history(door, merchant, payment_id, "payment_attempts_v1")


@router.get("/payments/{payment_id}/operations", responses=documented_answers({200: list_of(OperationView)}))
async def list_operations(door: TheDoor, merchant: Merchant, payment_id: PaymentPath) -> Response:
    """Every call to a PSP for this payment: attempts, captures, voids, refunds."""
    return await _history(door, merchant, payment_id, "payment_operations_v1")


@router.get("/payments/{payment_id}/ledger", responses=documented_answers({200: list_of(LedgerTransactionView)}))
async def list_ledger(door: TheDoor, merchant: Merchant, payment_id: PaymentPath) -> Response:
    """The postings of this payment, oldest first, each with the hash that chains it to the one before."""
    return await _history(door, merchant, payment_id, "payment_ledger_v1")


@router.get("/payments/{payment_id}/timeline", responses=documented_answers({200: TimelineView}))
async def get_timeline(door: TheDoor, merchant: Merchant, payment_id: PaymentPath) -> Response:
    """This payment's story in order of time: requests, PSPs, ledger, events and their way to you."""
    p = {"payment_id": checked_id(payment_id, "pay")}
    return json_response(await door.ports.store.call("payment_timeline_v1", merchant, p))


@router.get("/payments/{payment_id}/events", responses=documented_answers({200: list_of(EventView)}))
async def list_payment_events(
    door: TheDoor, merchant: Merchant, payment_id: PaymentPath, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """The events of this payment, in the order in which they happened."""
    p = page(limit, cursor, payment_id=checked_id(payment_id, "pay"))
    return list_response(await door.ports.store.call("event_list_v1", merchant, p))


async def _history(door: TheDoor, merchant: str, payment_id: str, function: str) -> Response:
    found = await door.ports.store.call(function, merchant, {"payment_id": checked_id(payment_id, "pay")})
    return list_response({"data": found["data"], "has_more": False, "next_cursor": None})
