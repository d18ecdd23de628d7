"""Dummypay's settlement file: a line per movement, minor units (see simulators/dummypay/README.md)."""

from collections.abc import Iterator

from gateway.use_cases.settlement import LineKind, SettlementLine, SettlementUnreadable, rows

_COLUMNS = ("at", "type", "id", "parent", "reference", "currency", "gross", "fee", "net")
_KINDS: dict[str, LineKind] = {
    "sale": "sale",
    "refund": "refund",
    "chargeback": "chargeback",
    "chargeback_reversed": "chargeback_reversed",
}


def parse(text: str) -> Iterator[SettlementLine]:
    """The movements of a file. Raises `SettlementUnreadable`."""
    for row in rows(text, _COLUMNS):
        gross = row.units("gross")
        if gross is None:
            raise SettlementUnreadable(f"line {row.line}: gross is empty")
        yield SettlementLine(
            line=row.line,
            kind=_KINDS.get(row.need("type"), "other"),
            amount=abs(gross),
            currency=row.currency("currency"),
            reference=row.text("reference"),
            psp_references=row.some("id"),
            parent_references=row.some("parent"),
            fee=row.units("fee"),
            net=row.units("net"),
            at=row.time("at"),
        )
