"""Reports over the event stream, as reporting has counted it: how attempts went, by PSP, brand, currency and more."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from gateway.api.auth import Merchant
from gateway.api.common import TheDoor, documented_answers, list_of, list_response
from gateway.api.views import View
from gateway.domain.errors import Complaint, Refused

router = APIRouter(tags=["reports"])

MAX_DAYS = 366
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_DIMENSION = "provider|provider_account|brand|bin|currency|issuer_country|day"
_BY = rf"^({_DIMENSION})(,({_DIMENSION})){{0,6}}$"

Rate = Annotated[int, Field(description="Basis points: 1/100 of a percent")]


class RoutingReportView(View):
    """One group. `failed`: never sent, or proved absent at the PSP. `unknowns`: nobody knew for a while.

    `fallbacks`: attempts after another PSP's; `recovered`: those of them that were approved. Money in minor units, per
    currency; `cost` by the fee tables as they are now, `unpriced`: approved attempts that no table prices.
    """

    group: dict[str, str | None]
    attempts: int
    payments: int
    approved: int
    declined: int
    failed: int
    unknowns: int
    approval_rate: Rate
    declines: Annotated[dict[str, int], Field(description="Declined attempts by reason")]
    fallbacks: int
    recovered: int
    recovered_share: Annotated[int | None, Field(description="Basis points; null without a fallback")]
    approved_amount: dict[str, int]
    cost: dict[str, int]
    unpriced: int


@router.get("/reports/routing", responses=documented_answers({200: list_of(RoutingReportView)}))
async def report_routing(
    door: TheDoor,
    merchant: Merchant,
    begins: Annotated[str, Query(alias="from", pattern=_DAY, description="First day, UTC")],
    ends: Annotated[str, Query(alias="to", pattern=_DAY, description="Last day, included")],
    by: Annotated[str, Query(pattern=_BY, description="What to group by, in this order, with commas")] = "provider",
) -> Response:
    """How attempts went on the days when they came to rest. Reporting follows the events: a moment late."""
    first, last = _day(begins, "from"), _day(ends, "to")
    if not 0 <= (last - first).days < MAX_DAYS:
        raise Refused("period_invalid", f"Ask for 1 to {MAX_DAYS} days, the first before the last.")
    names = by.split(",")
    if len(set(names)) != len(names):
        complaint = Complaint("by", "names a dimension twice", "name each once")
        raise Refused("invalid_request", "Some fields are wrong; `errors` names each.", (complaint,))
    p = {"from": begins, "to": ends, "by": names}
    return list_response(await door.ports.store.call("routing_report_v1", merchant, p))


def _day(given: str, where: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        complaint = Complaint(where, "is no day of the calendar", "send a date, such as 2026-11-22")
        raise Refused("period_invalid", f"{where} is no day of the calendar", (complaint,)) from None
