"""What Dummypay offers, as data: see simulators/dummypay/README.md for the dialect."""

from gateway.use_cases.ports import ConnectorSpec, Means

from . import settlement

_MEANS: tuple[Means, ...] = ("idempotent_replay", "read_by_reference", "webhook")

SPEC = ConnectorSpec(
    slug="dummypay",
    title="Dummypay",
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
    resolves={"authorize": _MEANS, "capture": _MEANS, "void": _MEANS, "refund": _MEANS},
    max_processing_s=30.0,
    index_lag_s=1.0,
    replay_window_s=23 * 3600.0,
    refund_window_s=180 * 86400.0,
    settlement=settlement.parse,
)
