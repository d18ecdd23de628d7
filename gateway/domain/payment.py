"""The automata of payments and operations. SQL holds the same tables as rows and enforces them; a test compares.

`dict[from, dict[to, event type | None]]`: an edge that is missing is forbidden (PA500 `forbidden_transition`). The
value of an edge is the event that it emits. Statuses without outgoing edges are terminal.

`captured` may be final with less than authorized: the rest is released. A refund moves `amount_refunded`, not the
status.
"""

from collections.abc import Mapping
from typing import Final

Transitions = Mapping[str, Mapping[str, str | None]]

_RESTING: Final[dict[str, str | None]] = {
    status: f"payment.{status}" for status in ("authorized", "captured", "declined", "failed", "canceled")
}

PAYMENT_TRANSITIONS: Final[Transitions] = {
    "processing": _RESTING | {"requires_action": "payment.requires_action", "needs_review": "payment.needs_review"},
    "requires_action": _RESTING | {"processing": None, "needs_review": "payment.needs_review"},
    "needs_review": _RESTING | {"processing": None, "requires_action": "payment.requires_action"},
    "authorized": {
        "partially_captured": "payment.partially_captured",
        "captured": "payment.captured",
        "canceled": "payment.canceled",
    },
    "partially_captured": {
        "partially_captured": "payment.partially_captured",
        "captured": "payment.captured",
        "authorized": "payment.capture_failed",
    },
    # A capture that was confirmed failed afterwards: what it had taken is only held, and may be captured again.
    "captured": {"authorized": "payment.capture_failed", "partially_captured": "payment.capture_failed"},
    "declined": {},
    "failed": {},
    "canceled": {},
}


def _to(*statuses: str) -> dict[str, None]:
    return dict.fromkeys(statuses)


OPERATION_TRANSITIONS: Final[Transitions] = {
    "dispatched": _to("approved", "declined", "not_sent", "pending", "requires_action", "unknown", "absent", "review"),
    # A claim makes what a dead sender left behind unknown; its own first byte may then be proved not to have left.
    "unknown": _to(
        "approved", "declined", "absent", "review", "not_sent", "unknown", "pending", "requires_action", "reversed"
    ),
    # Told that it failed afterwards before it was told to be done.
    "pending": _to("approved", "declined", "absent", "review", "unknown", "pending", "requires_action", "reversed"),
    "requires_action": _to("approved", "declined", "absent", "review", "unknown", "pending", "requires_action"),
    "review": _to("approved", "declined", "absent", "unknown", "pending", "reversed"),
    "not_sent": _to("approved"),  # late evidence
    "absent": _to("approved"),  # late evidence
    "declined": _to("approved"),  # late evidence: the PSP contradicts itself
    "approved": _to("reversed"),  # a surplus that was taken back; a capture or refund that failed afterwards
    "reversed": {},
}
