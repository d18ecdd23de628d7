"""Checkout.com's financial actions report (by payout id): several lines per action, one for each part of what it moved.

The first line of an action is its amount, those after it are fees; all are signed from the merchant's view, in main
units. `Reference` is the payment's; an action is known by its id.
"""

from collections.abc import Iterator, Mapping

from simulators.kit.settlement import Format, Movement, Statement, major

COLUMNS = (
    "Entity ID",
    "Processing Channel ID",
    "Payment ID",
    "Action ID",
    "Reference",
    "Payment Method",
    "Card Type",
    "Issuer Country",
    "Action Type",
    "Breakdown Type",
    "Requested On",
    "Processed On",
    "Processing Currency",
    "Processing Currency Amount",
    "Holding Currency",
    "Holding Currency Amount",
    "Payout ID",
)
TYPES = {
    "sale": "Capture",
    "refund": "Refund",
    "chargeback": "Chargeback",
    "chargeback_reversed": "Chargeback Reversal",
}
PREMIUM_FEE = "Premium Variable Fee"
SCHEME_FEE = "Scheme Fixed Fee"
CHARGEBACK_FEE = "Chargeback Fee"
_IDS = "abcdefghijklmnopqrstuvwxyz234567"


def _rows(statement: Statement) -> Iterator[Mapping[str, str]]:
    for movement in statement.movements:
        common = _common(statement, movement)
        yield common | _part(TYPES[movement.kind], movement.gross, movement.currency)
        for name, fee in _fees(movement):
            if fee:
                yield common | _part(name, -fee, movement.currency)


def _fees(movement: Movement) -> tuple[tuple[str, int], ...]:
    """The fee in the parts that the report shows; they add up to it."""
    if movement.kind in ("chargeback", "chargeback_reversed"):
        return ((CHARGEBACK_FEE, movement.fee),)
    scheme = movement.fee // 5
    return (PREMIUM_FEE, movement.fee - scheme), (SCHEME_FEE, scheme)


def _common(statement: Statement, movement: Movement) -> dict[str, str]:
    payment_id = movement.parent or movement.object
    kept = statement.account.store.get("payments", payment_id) or {}
    moved_at = movement.at.replace(tzinfo=None).isoformat(timespec="milliseconds")
    # A payment captured at once is journaled under its own id; its capture is an action all the same.
    captures = [
        action
        for action in statement.account.store.find("actions", "payment", payment_id)
        if action["type"] == "Capture"
    ]
    own = movement.object if movement.object != payment_id else captures[0]["id"] if captures else ""
    return {
        "Entity ID": "ent_" + statement.word("entity", 26, _IDS),
        "Processing Channel ID": statement.account.settings.get("processing_channel_id", ""),
        "Payment ID": payment_id,
        "Action ID": own or "act_" + statement.word(payment_id, 26, _IDS),
        "Reference": str(kept.get("reference") or movement.reference or ""),
        "Action Type": TYPES[movement.kind],
        "Requested On": moved_at,
        "Processed On": moved_at,
        "Payout ID": statement.word(movement.currency, 12),
    }


def _part(name: str, amount: int, currency: str) -> dict[str, str]:
    figure = major(amount, currency)
    return {
        "Breakdown Type": name,
        "Processing Currency": currency,
        "Processing Currency Amount": figure,
        "Holding Currency": currency,
        "Holding Currency Amount": figure,
    }


FORMAT = Format(
    columns=lambda _: COLUMNS,
    rows=_rows,
    name=lambda s: f"financial-actions-by-payout-id_{s.begins:%Y%m%d}_{s.ends:%Y%m%d}.csv",
)
