"""What Checkout.com offers, as data."""

from gateway.connectors.checkout import settlement
from gateway.use_cases.ports import ConnectorSpec, Means

_ACTION: tuple[Means, ...] = ("read_by_reference", "idempotent_replay", "webhook")

SPEC = ConnectorSpec(
    slug="checkout",
    title="Checkout.com",
    capabilities=frozenset(
        {
            "authorize",
            "capture",
            "partial_capture",
            "multiple_captures",
            "reauthorize",
            "void",
            "refund",
            "partial_refund",
            "read",
            "webhook",
            "dispute_accept",
            "dispute_evidence",
        }
    ),
    # Reads come first: a repetition is safe only where no answer of the PSP can have been a 5xx.
    resolves={
        "authorize": ("read_by_provider_reference", "read_by_reference", "idempotent_replay", "webhook"),
        "capture": _ACTION,
        "void": _ACTION,
        "refund": _ACTION,
    },
    max_processing_s=60.0,
    index_lag_s=30.0,
    # Keys live for 24 hours; an hour is kept back for clocks and queues.
    replay_window_s=23 * 3600.0,
    replay_after_5xx=False,
    webhook_stamped=False,
    settings=("processing_channel_id",),
    settlement=settlement.parse,
)
