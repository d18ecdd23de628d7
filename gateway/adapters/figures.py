"""What is open right now, as the database sees it: figures that one process (the relay) tells for all of them."""

from prometheus_client import Gauge

from gateway.use_cases.ports import Clock, Json, Store

MOST = 100_000
"""Counting stops here: past that the exact number tells nobody anything, and counting would cost."""

LIVE = Gauge("payera_operations_live", "Operations without a final outcome", ["provider", "kind", "status"])
REVIEWS = Gauge("payera_reviews_open", "Operations that wait for an operator's decision")
ORDERS = Gauge("payera_orders_waiting", "Orders to start or wake a workflow that Temporal has not acknowledged")
ORDERS_OLDEST = Gauge("payera_orders_oldest_seconds", "How long the oldest of them has been due")
PENDING = Gauge("payera_webhooks_pending", "Deliveries to merchants that are to be tried, now or later")
DUE = Gauge("payera_webhooks_due", "Deliveries to merchants that are due now")
DUE_OLDEST = Gauge("payera_webhooks_oldest_due_seconds", "How long the oldest of them has been due")
DEAD = Gauge("payera_webhooks_dead", "Deliveries that were given up and not replayed")
UNMATCHED = Gauge("payera_notifications_unmatched", "Notifications of PSPs that fit no operation yet")
CIRCUITS = Gauge("payera_circuits_open", "Provider accounts that are passed over after failing in a row", ["provider"])


async def tell_figures(store: Store, clock: Clock) -> None:
    """Read them and set the gauges. Raises what the store raises."""
    figures: Json = await store.system("figures_v1", {"at": clock.now().isoformat(), "most": MOST})
    # What is not told any more is zero: without the series, an alert on it would never end.
    for gauge in (LIVE, CIRCUITS):
        gauge.clear()
    for row in figures["live"]:
        LIVE.labels(row["provider"], row["kind"], row["status"]).set(row["count"])
    for row in figures["circuits"]:
        CIRCUITS.labels(row["provider"]).set(row["open"])
    REVIEWS.set(figures["reviews"])
    ORDERS.set(figures["orders"]["waiting"])
    ORDERS_OLDEST.set(max(0.0, figures["orders"]["oldest_s"]))
    PENDING.set(figures["deliveries"]["pending"])
    DUE.set(figures["deliveries"]["due"])
    DUE_OLDEST.set(figures["deliveries"]["oldest_s"])
    DEAD.set(figures["deliveries"]["dead"])
    UNMATCHED.set(figures["notifications_unmatched"])
