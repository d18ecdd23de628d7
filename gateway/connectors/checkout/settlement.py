"""Checkout.com's financial actions report (by payout id): the lines of an action put together.

The line whose breakdown bears the action's own name is its amount; the others of the action are fees. Amounts are
compared in the processing currency; where the holding currency is another, fee and net stay unknown.
"""

from collections.abc import Iterator

from gateway.use_cases.settlement import LineKind, Row, SettlementLine, SettlementUnreadable, rows

_COLUMNS = (
    "Payment ID",
    "Action ID",
    "Action Type",
    "Breakdown Type",
    "Processed On",
    "Processing Currency",
    "Processing Currency Amount",
    "Holding Currency",
    "Holding Currency Amount",
)
_KINDS: dict[str, LineKind] = {
    "Capture": "sale",
    "Refund": "refund",
    "Chargeback": "chargeback",
    "Chargeback Reversal": "chargeback_reversed",
    "Payout": "payout",
}


def parse(text: str) -> Iterator[SettlementLine]:
    """The actions of a report. Raises `SettlementUnreadable`."""
    lines: list[Row] = []
    for row in rows(text, _COLUMNS):
        # An action's lines stand together; its own name begins it anew, so that an action listed twice is two.
        begins = row.text("Breakdown Type") == row.need("Action Type")
        if lines and (begins or _key(row) != _key(lines[0])):
            yield _action(lines)
            lines = []
        lines.append(row)
    if lines:
        yield _action(lines)


def _key(row: Row) -> tuple[str | None, str | None]:
    return row.text("Action ID"), row.text("Action Type")


def _action(lines: list[Row]) -> SettlementLine:
    first = lines[0]
    kind = _KINDS.get(first.need("Action Type"), "other")
    currency = first.currency("Processing Currency")
    amount = first.minor("Processing Currency Amount", currency)
    if amount is None:
        raise SettlementUnreadable(f"line {first.line}: Processing Currency Amount is empty")
    held = [_held(row) for row in lines]
    known = {code for code, _ in held} == {currency} and held[0][1] == amount
    net = sum(units for _, units in held)
    return SettlementLine(
        line=first.line,
        kind=kind,
        amount=abs(amount),
        currency=currency,
        reference=first.text("Reference") if kind == "sale" else None,
        psp_references=first.some("Action ID", "Payment ID") if kind == "sale" else first.some("Action ID"),
        parent_references=() if kind == "sale" else first.some("Payment ID", "Reference"),
        fee=amount - net if known else None,
        net=net if known else None,
        at=first.time("Processed On"),
    )


def _held(row: Row) -> tuple[str, int]:
    currency = row.currency("Holding Currency")
    return currency, row.minor("Holding Currency Amount", currency) or 0
