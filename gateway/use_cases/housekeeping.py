"""What is not needed any more is forgotten: bounded tables make bounded times. Nothing that is under way goes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.use_cases.ports import Clock, Json, Store

FORGET_CLUSTER_S = 30 * 86_400.0
"""A Kafka cluster that acknowledged nothing for so long is forgotten, with its receipts."""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long things are kept, seconds. Notifications: as long as a PSP may repeat one (Stripe 3 days, Adyen 30).
    Receipts: longer than any transaction may last. `limit`: rows per batch, each a commit of its own.
    """

    idempotency_s: float = 86_400.0
    notifications_s: float = 35 * 86_400.0
    deliveries_s: float = 30 * 86_400.0
    receipts_s: float = 3600.0
    limit: int = 500


async def tidy(store: Store, clock: Clock, keep: Keep) -> dict[str, int]:
    """One batch of everything: how many rows went, by what they were. As many as `keep.limit`: there may be more."""
    return {what: int((await store.system(function, p))["purged"]) for what, function, p in _batches(keep, clock.now())}


def _batches(keep: Keep, now: datetime) -> Iterator[tuple[str, str, Json]]:
    """What, the function that forgets it, and its arguments."""
    ages = {"idempotency": keep.idempotency_s, "notification": keep.notifications_s, "delivery": keep.deliveries_s}
    for what, seconds in ages.items():
        before = (now - timedelta(seconds=seconds)).isoformat()
        yield what, f"{what}_purge_v1", {"before": before, "limit": keep.limit}
    receipts = {"older_than_s": keep.receipts_s, "forget_s": FORGET_CLUSTER_S, "limit": keep.limit}
    yield "receipt", "receipt_purge_v1", receipts
