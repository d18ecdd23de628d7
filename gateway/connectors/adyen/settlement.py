"""Adyen's Settlement details report.

A payment that was captured at once is known by its merchant reference, our attempt; a capture, a refund by its own
modification reference and modification merchant reference (add that column to the report if it is not on). What went
back (`RefundedReversed`, `SettledReversed`) is read as a movement the other way of the same operation: our books know
no such thing, so a person hears of it.
"""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.use_cases.settlement import LineKind, Row, SettlementLine, SettlementUnreadable, rows

_COLUMNS = (
    "Psp Reference",
    "Merchant Reference",
    "Creation Date",
    "Type",
    "Modification Reference",
    "Gross Currency",
    "Gross Debit (GC)",
    "Gross Credit (GC)",
    "Net Currency",
    "Net Debit (NC)",
    "Net Credit (NC)",
)
_KINDS: dict[str, LineKind] = {
    "Settled": "sale",
    "SettledReversed": "refund",
    "Refunded": "refund",
    "RefundedReversed": "sale",
    "Chargeback": "chargeback",
    "SecondChargeback": "chargeback",
    "ChargebackReversed": "chargeback_reversed",
    "Fee": "fee",
    "MerchantPayout": "payout",
}
_FEES = ("Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)")
_ZONES = {"CET": "Europe/Amsterdam", "CEST": "Europe/Amsterdam", "GMT": "Europe/London", "BST": "Europe/London"}
"""Where the clocks of the abbreviations that the report prints hang."""
_OWN = "Modification Merchant Reference"


def parse(text: str) -> Iterator[SettlementLine]:
    """The movements of a report. Raises `SettlementUnreadable`."""
    for row in rows(text, _COLUMNS):
        kind = _KINDS.get(row.need("Type"), "other")
        net_currency = row.currency("Net Currency")
        net = _signed(row, "Net", "NC", net_currency)
        currency = row.currency("Gross Currency") if row.text("Gross Currency") else net_currency
        gross = _signed(row, "Gross", "GC", currency)
        if gross is None:
            gross = net
        if gross is None:
            raise SettlementUnreadable(f"line {row.line}: no amount")
        modification = row.text("Modification Reference")
        payment = row.some("Psp Reference", "Merchant Reference")
        # Fees and net can be compared with the gross only where nothing was converted.
        same = currency == net_currency
        yield SettlementLine(
            line=row.line,
            kind=kind,
            amount=abs(gross),
            currency=currency,
            reference=row.text(_OWN) if modification else row.text("Merchant Reference"),
            psp_references=(modification,) if modification else row.some("Psp Reference"),
            parent_references=payment if modification else (),
            fee=_fee(row, net_currency) if same else None,
            net=net if same else None,
            at=_time(row),
        )


def _signed(row: Row, column: str, unit: str, currency: str) -> int | None:
    debit, credit = (row.minor(f"{column} {side} ({unit})", currency) for side in ("Debit", "Credit"))
    return None if debit is None and credit is None else (credit or 0) - (debit or 0)


def _fee(row: Row, currency: str) -> int | None:
    parts = [part for column in _FEES if (part := row.minor(column, currency)) is not None]
    return sum(parts) if parts else None


def _time(row: Row) -> datetime | None:
    """When, in the zone that the line names; None for a zone that is not known here."""
    found, zone = row.time("Creation Date"), row.text("TimeZone") or "UTC"
    if found is None or zone == "UTC":
        return found
    try:
        return found.replace(tzinfo=ZoneInfo(_ZONES.get(zone, zone)))
    except (ZoneInfoNotFoundError, ValueError):
        return None
