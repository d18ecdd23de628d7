"""Stripe's itemised payout reconciliation report (report type `payout_reconciliation.itemized`).

Ordered with the metadata columns `payment_metadata[payera_operation]` and `refund_metadata[payera_operation]` it names
our operations; without them the ids of intents and refunds do. A capture has no metadata of its own: its line names the
attempt, and the database finds the capture behind it. Reporting categories that belong to no operation (fees,
adjustments, transfers) are kept as `other`.
"""

from collections.abc import Iterator

from gateway.use_cases.settlement import LineKind, Row, SettlementLine, SettlementUnreadable, rows

_COLUMNS = ("balance_transaction_id", "created_utc", "reporting_category", "currency", "gross", "fee", "net")
_KINDS: dict[str, LineKind] = {
    "charge": "sale",
    "refund": "refund",
    "dispute": "chargeback",
    "dispute_reversal": "chargeback_reversed",
    "fee": "fee",
    "payout": "payout",
}
_ATTEMPT = "payment_metadata[payera_operation]"
_REFUND = "refund_metadata[payera_operation]"


def parse(text: str) -> Iterator[SettlementLine]:
    """The movements of a report. Raises `SettlementUnreadable`."""
    for row in rows(text, _COLUMNS):
        kind = _KINDS.get(row.need("reporting_category"), "other")
        currency = row.currency("currency")
        gross = row.minor("gross", currency)
        if gross is None:
            raise SettlementUnreadable(f"line {row.line}: gross is empty")
        reference, own, parents = _references(row, kind)
        yield SettlementLine(
            line=row.line,
            kind=kind,
            amount=abs(gross),
            currency=currency,
            reference=reference,
            psp_references=own,
            parent_references=parents,
            fee=row.minor("fee", currency),
            net=row.minor("net", currency),
            at=row.time("created_utc"),
        )


def _references(row: Row, kind: LineKind) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
    """Our operation, the PSP's ids of it, and what it moved from."""
    payment = ("payment_intent_id", "charge_id")
    if kind == "sale":
        return row.text(_ATTEMPT), row.some(*payment), ()
    if kind == "refund":
        return row.text(_REFUND), row.some("source_id"), row.some(_ATTEMPT, *payment)
    return None, row.some("source_id"), row.some(_ATTEMPT, *payment)
