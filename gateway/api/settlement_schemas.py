"""What the settlement calls take and answer (see schemas.py and views.py for the rest)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.api.schemas import Body, Currency
from gateway.api.views import Time, View
from gateway.domain.money import MAX_AMOUNT


class SettlementFeeBody(Body):
    """What the PSP keeps of one kind of movement in one currency."""

    kind: Literal["sale", "refund", "chargeback"]
    currency: Currency
    basis_points: Annotated[int, Field(strict=True, ge=0, le=10_000, description="Hundredths of a percent")] = 0
    fixed: Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT, description="In minor units")] = 0


class SettlementFeesBody(Body):
    """An account's whole fee table: at most one fee per kind and currency."""

    fees: Annotated[
        tuple[SettlementFeeBody, ...],
        Field(max_length=500, examples=[[{"kind": "sale", "currency": "EUR", "basis_points": 150, "fixed": 25}]]),
    ]


DiscrepancyKind = Literal[
    "missing_at_gateway",
    "missing_at_psp",
    "chargeback",
    "status_mismatch",
    "duplicate_line",
    "currency_mismatch",
    "amount_mismatch",
    "fee_mismatch",
    "net_mismatch",
    "date_mismatch",
    "total_mismatch",
]


class SettlementTotalsView(View):
    """What a file moved in one currency, in minor units. `paid_out`: what the file itself says, where it says so."""

    currency: str
    sales: int
    refunds: int
    chargebacks: int
    fees: int
    net: int
    paid_out: int | None


class SettlementView(View):
    """A settlement file. `matched`: lines that are about an operation of ours."""

    id: str
    object: Literal["settlement"]
    provider: str
    provider_account: str
    status: Literal["received", "reconciled", "failed"]
    period_from: Time | None
    period_to: Time | None
    tolerance_s: int
    digest: str
    lines: int | None
    matched: int | None
    discrepancies: int
    by_kind: dict[str, int]
    totals: list[SettlementTotalsView]
    error: str | None
    created_at: Time
    reconciled_at: Time | None


class DiscrepancyView(View):
    """What a file and our ledger do not agree about. `expected` is ours, `found` the PSP's."""

    id: str
    object: Literal["discrepancy"]
    settlement: str
    kind: DiscrepancyKind
    line: int | None
    operation: str | None
    payment: str | None
    expected: dict[str, Any] | None
    found: dict[str, Any] | None
    created_at: Time


class SettlementFeeView(View):
    """One row of a fee table."""

    kind: Literal["sale", "refund", "chargeback"]
    currency: str
    basis_points: int
    fixed: int


class SettlementFeesView(View):
    """An account's fee table."""

    object: Literal["fees"]
    provider_account: str
    fees: list[SettlementFeeView]


class DailyTotalView(View):
    """One day, currency and type of event. `amount` is in minor units: what the events moved or named."""

    day: str
    currency: str
    type: str
    count: int
    amount: int
