"""The events that a merchant may hear of. The stored procedures write them; docs/architecture.md, section 4."""

EVENT_TYPES: tuple[str, ...] = (
    "payment.created",
    "payment.authorized",
    "payment.partially_captured",
    "payment.captured",
    "payment.declined",
    "payment.failed",
    "payment.canceled",
    "payment.requires_action",
    "payment.needs_review",
    "payment.review_resolved",
    "payment.duplicate_approval",
    "payment.duplicate_reversed",
    "refund.created",
    "refund.succeeded",
    "refund.failed",
)
