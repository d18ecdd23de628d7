"""What Adyen offers, as data."""

from gateway.connectors.adyen import settlement
from gateway.use_cases.ports import ConnectorSpec, Means

_MEANS: tuple[Means, ...] = ("idempotent_replay", "webhook")

SPEC = ConnectorSpec(
    slug="adyen",
    title="Adyen",
    capabilities=frozenset(
        {
            "authorize",
            "capture",
            "partial_capture",
            # Where Adyen has switched it on for the account; elsewhere the rest is released after the first capture.
            "multiple_captures",
            "reauthorize",
            "void",
            "refund",
            "partial_refund",
            "webhook",
        }
    ),
    resolves={"authorize": _MEANS, "capture": _MEANS, "void": _MEANS, "refund": _MEANS},
    max_processing_s=60.0,
    # Nothing is read, so nothing lags.
    index_lag_s=0.0,
    # Keys live for 7 days at least; a day is kept back for clocks and queues.
    replay_window_s=6 * 86400.0,
    webhook_is_truth=True,
    webhook_stamped=False,
    acknowledgement="[accepted]",
    settings=("merchant_account",),
    # Adyen lets an authorization run out after 28 days.
    authorization_validity_s=28 * 86400.0,
    settlement=settlement.parse,
)
