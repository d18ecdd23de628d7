"""What Stripe offers, as data."""

from gateway.connectors.stripe import disputes, mapping, settlement
from gateway.use_cases.ports import ConnectorSpec

SPEC = ConnectorSpec(
    slug="stripe",
    title="Stripe",
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
    resolves={
        "authorize": ("idempotent_replay", "read_by_provider_reference", "read_by_reference", "webhook"),
        "capture": ("idempotent_replay", "read_by_provider_reference", "webhook"),
        # An intent does not say which cancel canceled it, so no notification names one.
        "void": ("idempotent_replay", "read_by_provider_reference"),
        "refund": ("idempotent_replay", "read_by_provider_reference", "read_by_reference", "webhook"),
    },
    max_processing_s=80.0,
    index_lag_s=60.0,
    # Keys are pruned after at least 24 hours; an hour is kept back for clocks and queues.
    replay_window_s=23 * 3600.0,
    webhook_events=tuple(sorted({*mapping.EVENTS, *disputes.EVENTS})),
    settlement=settlement.parse,
)
