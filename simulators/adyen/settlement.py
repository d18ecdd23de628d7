"""Adyen's Settlement details report: one line per settled journal entry, a last one per currency for the payout.

Columns and their order are the report's standard ones; amounts are main units without sign in a debit and a credit
column, times are in the zone that the next column names. Fees come as interchange++ shows them, in three parts.
"""

from collections.abc import Iterator, Mapping

from simulators.adyen.standing import PAYMENTS
from simulators.kit.settlement import Format, Movement, Statement, major, stamp

COMPANY = "PayeraCompany"
COLUMNS = (
    "Company Account",
    "Merchant Account",
    "Psp Reference",
    "Merchant Reference",
    "Payment Method",
    "Creation Date",
    "TimeZone",
    "Type",
    "Modification Reference",
    "Gross Currency",
    "Gross Debit (GC)",
    "Gross Credit (GC)",
    "Exchange Rate",
    "Net Currency",
    "Net Debit (NC)",
    "Net Credit (NC)",
    "Commission (NC)",
    "Markup (NC)",
    "Scheme Fees (NC)",
    "Interchange (NC)",
    "Payment Method Variant",
    "Modification Merchant Reference",
    "Batch Number",
    *(f"Reserved{number}" for number in range(4, 11)),
)
TYPES = {
    "sale": "Settled",
    "refund": "Refunded",
    "chargeback": "Chargeback",
    "chargeback_reversed": "ChargebackReversed",
}
RETURNED = {
    "REFUNDED_REVERSED": "RefundedReversed",
    "REFUND_FAILED": "RefundedReversed",
    "CAPTURE_FAILED": "SettledReversed",
}
"""Money that went back the way it came, by the notification that told of it."""


def batch(statement: Statement) -> str:
    """The number of the batch: one per day."""
    return str(statement.begins.toordinal() % 10_000)


def _rows(statement: Statement) -> Iterator[Mapping[str, str]]:
    number, merchant = batch(statement), statement.account.settings.get("merchant_account", "")
    common = {
        "Company Account": COMPANY,
        "Merchant Account": merchant,
        "TimeZone": "UTC",
        "Batch Number": number,
    }
    for movement in statement.movements:
        yield common | _row(statement, movement)
    for currency, net in statement.net.items():
        yield common | {
            "Creation Date": stamp(statement.ends),
            "Type": "MerchantPayout",
            "Modification Reference": f"TX{statement.word(currency, 14)}XT batch {number}, {merchant}",
            "Net Currency": currency,
            **_sides("Net", "NC", -net, currency),
        }


def _row(statement: Statement, movement: Movement) -> dict[str, str]:
    psp_reference = movement.parent or movement.object
    kept = statement.account.store.get(PAYMENTS, psp_reference) or {}
    modified = psp_reference != movement.object
    currency = movement.currency
    markup, scheme = movement.fee // 4, movement.fee // 8
    return {
        "Psp Reference": psp_reference,
        "Merchant Reference": str(kept.get("reference") or ("" if modified else movement.reference or "")),
        "Payment Method": str(kept.get("method") or ""),
        "Creation Date": stamp(movement.at),
        "Type": RETURNED.get(movement.code or "", TYPES[movement.kind]),
        "Modification Reference": movement.object if modified else "",
        "Gross Currency": currency,
        **_sides("Gross", "GC", movement.gross, currency),
        "Exchange Rate": "1",
        "Net Currency": currency,
        **_sides("Net", "NC", movement.net, currency),
        "Markup (NC)": major(markup, currency),
        "Scheme Fees (NC)": major(scheme, currency),
        "Interchange (NC)": major(movement.fee - markup - scheme, currency),
        "Payment Method Variant": str(kept.get("method") or ""),
        "Modification Merchant Reference": (movement.reference or "") if modified else "",
    }


def _sides(column: str, unit: str, amount: int, currency: str) -> dict[str, str]:
    """An amount in the debit or the credit column, by its sign."""
    return {f"{column} {'Debit' if amount < 0 else 'Credit'} ({unit})": major(abs(amount), currency)}


FORMAT = Format(
    columns=lambda _: COLUMNS,
    rows=_rows,
    name=lambda s: f"settlement_detail_report_batch_{batch(s)}.csv",
)
