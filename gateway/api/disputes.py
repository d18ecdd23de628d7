"""Disputes: what shoppers' banks object to, and the merchant's answer."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway.api.auth import Merchant
from gateway.api.common import (
    Cursor,
    DisputePath,
    Limit,
    TheDoor,
    answer_response,
    checked_id,
    documented_answers,
    json_response,
    list_of,
    list_response,
    page,
)
from gateway.api.dispute_views import DisputeView, EvidenceBody
from gateway.api.schemas import ID
from gateway.domain.dispute import DisputeStatus
from gateway.use_cases.answer_dispute import AnswerDispute, answer_dispute

router = APIRouter(tags=["disputes"])


@router.get("/disputes", responses=documented_answers({200: list_of(DisputeView)}))
async def list_disputes(
    door: TheDoor,
    merchant: Merchant,
    limit: Limit = 20,
    cursor: Cursor = None,
    payment: Annotated[str | None, Query(pattern=rf"^pay_{ID}$")] = None,
    status: DisputeStatus | None = None,
) -> Response:
    """The merchant's disputes, newest first; of one payment, or in one status, if it is named."""
    p = page(limit, cursor, payment_id=payment, status=status)
    return list_response(await door.ports.store.call("dispute_list_v1", merchant, p))


@router.get("/disputes/{dispute_id}", responses=documented_answers({200: DisputeView}))
async def get_dispute(door: TheDoor, merchant: Merchant, dispute_id: DisputePath) -> Response:
    """One dispute as it is now."""
    p = {"dispute_id": checked_id(dispute_id, "dsp")}
    return json_response(await door.ports.store.call("dispute_get_v1", merchant, p))


@router.post("/disputes/{dispute_id}/accept", responses=documented_answers({200: DisputeView, 202: DisputeView}))
async def accept_dispute(door: TheDoor, merchant: Merchant, dispute_id: DisputePath) -> Response:
    """Give in: the bank keeps the money. 202 where the PSP's answer is not known; asking again is safe."""
    command = AnswerDispute(merchant, checked_id(dispute_id, "dsp"), "accept")
    return answer_response(await answer_dispute(door.ports, command))


@router.post("/disputes/{dispute_id}/evidence", responses=documented_answers({200: DisputeView, 202: DisputeView}))
async def send_evidence(door: TheDoor, merchant: Merchant, dispute_id: DisputePath, body: EvidenceBody) -> Response:
    """Object, with a text for the bank. The PSP's notice moves the dispute on."""
    command = AnswerDispute(merchant, checked_id(dispute_id, "dsp"), "evidence", body.text)
    return answer_response(await answer_dispute(door.ports, command))
