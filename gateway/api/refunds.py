"""Refunds."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from gateway.api.auth import Merchant
from gateway.api.common import (
    Cursor,
    IdempotencyHeader,
    Limit,
    RefundPath,
    TheDoor,
    answer_response,
    checked_id,
    documented_answers,
    idempotency_of,
    json_response,
    link,
    list_of,
    list_response,
    page,
)
from gateway.api.schemas import ID, RefundBody
from gateway.api.views import RefundView
from gateway.observability import payment_id as payment_context
from gateway.use_cases.refund_payment import RefundPayment, refund_payment

router = APIRouter(tags=["refunds"])


@router.post(
    "/refunds",
    status_code=201,
    responses=documented_answers({201: RefundView, 202: RefundView}, Read=link("get_refund", "path.refund_id")),
)
async def create_refund(
    request: Request, door: TheDoor, merchant: Merchant, body: RefundBody, key: IdempotencyHeader = None
) -> Response:
    """Give back all or part of what was captured. 202 while the result is not known."""
    payment_context.set(body.payment)
    command = RefundPayment(
        merchant=merchant,
        payment_id=body.payment,
        amount=body.amount,
        reason=body.reason,
        metadata=body.metadata,
        idempotency=await idempotency_of(request, door, key),
    )
    return answer_response(await refund_payment(door.ports, command))


@router.get("/refunds/{refund_id}", responses=documented_answers({200: RefundView}))
async def get_refund(door: TheDoor, merchant: Merchant, refund_id: RefundPath) -> Response:
    """One refund as it is now."""
    p = {"refund_id": checked_id(refund_id, "ref")}
    return json_response(await door.ports.store.call("refund_get_v1", merchant, p))


@router.get("/refunds", responses=documented_answers({200: list_of(RefundView)}))
async def list_refunds(
    door: TheDoor,
    merchant: Merchant,
    limit: Limit = 20,
    cursor: Cursor = None,
    payment: Annotated[str | None, Query(pattern=rf"^pay_{ID}$")] = None,
) -> Response:
    """The merchant's refunds, newest first; of one payment if it is named."""
    p = page(limit, cursor, payment_id=payment)
    return list_response(await door.ports.store.call("refund_list_v1", merchant, p))
