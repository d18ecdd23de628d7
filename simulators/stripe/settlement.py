"""Stripe's payout reconciliation report, itemised: one line per balance transaction of an automatic payout.

Columns as in the report type `payout_reconciliation.itemized`, the ones that the simulated objects can fill; amounts
in the currency's main unit, signed from the merchant's view; currencies in lower case. Metadata columns are those a
merchant asks for when it orders the report; here the two that tell its own operation and payment.
"""

from collections.abc import Iterator, Mapping

from simulators.kit.settlement import Format, Movement, Statement, major, stamp

COLUMNS = (
    "automatic_payout_id",
    "automatic_payout_effective_at_utc",
    "balance_transaction_id",
    "created_utc",
    "available_on_utc",
    "reporting_category",
    "currency",
    "gross",
    "fee",
    "net",
    "description",
    "source_id",
    "charge_id",
    "payment_intent_id",
    "payment_metadata[payera_operation]",
    "payment_metadata[payera_payment]",
    "refund_metadata[payera_operation]",
    "refund_metadata[payera_payment]",
)
CATEGORIES = {
    "sale": "charge",
    "refund": "refund",
    "chargeback": "dispute",
    "chargeback_reversed": "dispute_reversal",
}


def _rows(statement: Statement) -> Iterator[Mapping[str, str]]:
    effective = stamp(statement.ends)
    for movement in statement.movements:
        payout = "po_1" + statement.word(movement.currency, 23)
        yield _row(statement, movement) | {
            "automatic_payout_id": payout,
            "automatic_payout_effective_at_utc": effective,
            "available_on_utc": effective,
        }


def _row(statement: Statement, movement: Movement) -> dict[str, str]:
    intent = movement.object if movement.kind == "sale" and movement.parent is None else movement.parent
    kept = statement.account.store.get("payment_intent", intent) if intent is not None else None
    charge = kept["latest_charge"] if kept is not None else None
    returned = movement.kind == "sale" and movement.object.startswith("re_")  # a refund that came back
    source = charge if movement.kind == "sale" and charge is not None and not returned else movement.object
    # What the merchant wrote into its objects: a capture is a line of its own here, but has no metadata of its own.
    written = kept["metadata"] if kept is not None else {}
    row = {
        "balance_transaction_id": f"txn_{movement.seq:06d}{statement.word(str(movement.seq), 18)}",
        "created_utc": stamp(movement.at),
        "reporting_category": "refund_failure" if returned else CATEGORIES[movement.kind],
        "currency": movement.currency.lower(),
        "gross": major(movement.gross, movement.currency),
        "fee": major(movement.fee, movement.currency),
        "net": major(movement.net, movement.currency),
        "description": "REFUND FOR CHARGE" if movement.kind == "refund" else "",
        "source_id": source,
        "charge_id": charge or "",
        "payment_intent_id": intent or "",
        "payment_metadata[payera_operation]": written.get("payera_operation", ""),
        "payment_metadata[payera_payment]": written.get("payera_payment", ""),
    }
    owner = "refund" if movement.kind == "refund" or returned else "payment"
    if owner == "refund" or not written:
        row[f"{owner}_metadata[payera_operation]"] = movement.reference or ""
        row[f"{owner}_metadata[payera_payment]"] = movement.payment or ""
    return row


FORMAT = Format(
    columns=lambda _: COLUMNS,
    rows=_rows,
    name=lambda s: f"Itemized_payout_reconciliation_{s.begins:%Y-%m-%d}_to_{s.ends:%Y-%m-%d}.csv",
)
