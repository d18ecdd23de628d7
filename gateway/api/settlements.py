"""Settlement files in, discrepancies out; what the PSP may keep; what happened per day."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from gateway.api.auth import Merchant
from gateway.api.common import (
    AccountPath,
    Cursor,
    Limit,
    SettlementPath,
    TheDoor,
    checked_id,
    documented_answers,
    json_response,
    link,
    list_of,
    list_response,
    page,
)
from gateway.api.problems import Problem
from gateway.api.schemas import ID
from gateway.api.settlement_schemas import (
    DailyTotalView,
    DiscrepancyKind,
    DiscrepancyView,
    SettlementFeesBody,
    SettlementFeesView,
    SettlementView,
)
from gateway.domain.errors import Complaint, Refused
from gateway.use_cases.submit_settlement import SubmitSettlement, submit_settlement

router = APIRouter(tags=["settlements"])

MAX_DAYS = 366
_ACCOUNT = rf"^pa_{ID}$"
_TAKEN = documented_answers(
    {202: SettlementView},
    Read=link("get_settlement", "path.settlement_id"),
    Discrepancies=link("list_discrepancies", "path.settlement_id"),
)
_FILE = {"schema": {"type": "string", "minLength": 1, "description": "The file as it came, UTF-8"}}
_CSV = {"requestBody": {"required": True, "content": {"text/csv": _FILE, "text/plain": _FILE}}}
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_MOMENT = _DAY[:-1] + r"(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$"


@router.post("/settlements", status_code=202, responses=_TAKEN, openapi_extra=_CSV)
async def add_settlement(
    request: Request,
    door: TheDoor,
    merchant: Merchant,
    provider_account: Annotated[str, Query(pattern=_ACCOUNT, description="Whose file this is")],
    begins: Annotated[
        str | None,
        Query(alias="from", pattern=_MOMENT, description="What the file covers, UTC; default: the days of its lines"),
    ] = None,
    ends: Annotated[str | None, Query(alias="to", pattern=_MOMENT, description="Exclusive")] = None,
    tolerance_s: Annotated[
        int, Query(ge=0, le=2_592_000, description="How far the PSP's clock and days may lie from ours")
    ] = 3_600,
) -> Response:
    """Hand in a PSP's settlement file as it came. It is matched in the background: read the settlement again."""
    command = SubmitSettlement(
        merchant=merchant,
        account_id=checked_id(provider_account, "pa"),
        content=_text(await request.body()),
        period_from=_moment(begins, "from"),
        period_to=_moment(ends, "to"),
        tolerance_s=tolerance_s,
    )
    return json_response(await submit_settlement(door.ports, command), 202)


def _text(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(400, "malformed_body", "The file is not text in UTF-8.") from None
    if not text or "\x00" in text:
        raise Problem(400, "malformed_body", "The file is empty, or holds a zero byte.")
    return text


def _moment(given: str | None, where: str) -> datetime | None:
    """UTC where the caller did not say."""
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        complaint = Complaint(where, "is no moment of the calendar", "send a date, or a time in ISO 8601")
        raise Refused("period_invalid", f"{where} is no moment of the calendar", (complaint,)) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


@router.get("/settlements", responses=documented_answers({200: list_of(SettlementView)}))
async def list_settlements(
    door: TheDoor,
    merchant: Merchant,
    limit: Limit = 20,
    cursor: Cursor = None,
    provider_account: Annotated[str | None, Query(pattern=_ACCOUNT)] = None,
) -> Response:
    """The files handed in, newest first."""
    p = page(limit, cursor, account_id=provider_account)
    return list_response(await door.ports.store.call("settlement_list_v1", merchant, p))


@router.get("/settlements/{settlement_id}", responses=documented_answers({200: SettlementView}))
async def get_settlement(door: TheDoor, merchant: Merchant, settlement_id: SettlementPath) -> Response:
    """How far a file is, and what it adds up to."""
    p = {"settlement_id": checked_id(settlement_id, "stl")}
    return json_response(await door.ports.store.call("settlement_get_v1", merchant, p))


@router.get("/settlements/{settlement_id}/discrepancies", responses=documented_answers({200: list_of(DiscrepancyView)}))
async def list_discrepancies(
    door: TheDoor,
    merchant: Merchant,
    settlement_id: SettlementPath,
    limit: Limit = 20,
    cursor: Cursor = None,
    kind: DiscrepancyKind | None = None,
) -> Response:
    """What the file and our ledger do not agree about, in the order of the file; what the file lacks comes last."""
    p = page(limit, cursor, kind=kind) | {"settlement_id": checked_id(settlement_id, "stl")}
    return list_response(await door.ports.store.call("settlement_discrepancies_v1", merchant, p))


@router.put("/provider_accounts/{account_id}/fees", responses=documented_answers({200: SettlementFeesView}))
async def set_provider_account_fees(
    door: TheDoor, merchant: Merchant, account_id: AccountPath, body: SettlementFeesBody
) -> Response:
    """What the PSP may keep by contract; settlement lines with another fee are discrepancies. Replaces the table."""
    p = {"account_id": checked_id(account_id, "pa"), "fees": [fee.model_dump() for fee in body.fees]}
    return json_response(await door.ports.store.call("fee_rules_set_v1", merchant, p))


@router.get("/provider_accounts/{account_id}/fees", responses=documented_answers({200: SettlementFeesView}))
async def get_provider_account_fees(door: TheDoor, merchant: Merchant, account_id: AccountPath) -> Response:
    """The table as it is."""
    p = {"account_id": checked_id(account_id, "pa")}
    return json_response(await door.ports.store.call("fee_rules_get_v1", merchant, p))


@router.get("/reports/daily_totals", responses=documented_answers({200: list_of(DailyTotalView)}))
async def list_daily_totals(
    door: TheDoor,
    merchant: Merchant,
    begins: Annotated[str, Query(alias="from", pattern=_DAY, description="First day, UTC")],
    ends: Annotated[str, Query(alias="to", pattern=_DAY, description="Last day, included")],
) -> Response:
    """What happened per day, currency and type of event."""
    first, last = _moment(begins, "from"), _moment(ends, "to")
    if first is None or last is None or not 0 <= (last - first).days < MAX_DAYS:
        raise Refused("period_invalid", f"Ask for 1 to {MAX_DAYS} days, the first before the last.")
    p = {"from": begins, "to": ends}
    return list_response(await door.ports.store.call("daily_totals_v1", merchant, p))
