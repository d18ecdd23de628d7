"""Ask the database how a payment stands, and the domain what it needs next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.domain.resolution import UNKNOWN_WINDOW_S, OperationState, Rules, Snapshot, Step, next_step
from gateway.use_cases.ports import Connectors, Json, Ports


@dataclass(frozen=True, slots=True)
class PlanPayment:
    merchant: str
    payment_id: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The payment's status as it was read, and the step that follows from it at `at`."""

    status: str
    step: Step
    at: datetime


async def plan_payment(ports: Ports, command: PlanPayment) -> Plan:
    """Never remembers: what to do follows from `payment_plan_v1` alone, so a restart changes nothing."""
    value: Json = await ports.store.call("payment_plan_v1", command.merchant, {"payment_id": command.payment_id})
    snapshot = snapshot_from_json(value, ports.connectors)
    now = ports.clock.now()
    return Plan(snapshot.status, next_step(snapshot, now), now)


def snapshot_from_json(value: Json, connectors: Connectors) -> Snapshot:
    """SNAPSHOT of the contract, joined with what each operation's connector declares."""
    operations = tuple(_operation(item) for item in value["operations"])
    return Snapshot(
        payment_id=value["payment_id"],
        status=value["status"],
        cascade_until=_time(value["cascade_until"]),
        attempt_due=value.get("next") == "attempt",
        release_at=_maybe_time(value.get("release_at")),
        operations=operations,
        rules={
            item["id"]: rules_of(connectors, item["provider"], item.get("resolution")) for item in value["operations"]
        },
    )


def rules_of(connectors: Connectors, provider: str, override: Mapping[str, float] | None) -> Rules:
    """A connector's declarations. `override`: the account's `settings.resolution`, accepted in the test profile only.

    A provider whose connector is gone has no means left: its unknowns wait for a webhook, then for a person.
    """
    try:
        spec = connectors.get(provider).spec
    except LookupError:
        return Rules(means={}, max_processing_s=0.0, index_lag_s=0.0, replay_window_s=0.0)
    changed = override or {}
    return Rules(
        means={str(kind): tuple(means) for kind, means in spec.resolves.items()},
        max_processing_s=float(changed.get("max_processing_s", spec.max_processing_s)),
        index_lag_s=float(changed.get("index_lag_s", spec.index_lag_s)),
        replay_window_s=spec.replay_window_s,
        replay_after_5xx=spec.replay_after_5xx,
        unknown_window_s=float(changed.get("unknown_window_s", UNKNOWN_WINDOW_S)),
    )


def _operation(item: Json) -> OperationState:
    return OperationState(
        id=item["id"],
        kind=item["kind"],
        provider=item["provider"],
        status=item["status"],
        created_at=_time(item["created_at"]),
        lease_until=_maybe_time(item.get("lease_until")),
        unknown_since=_maybe_time(item.get("unknown_since")),
        looks=item.get("looks") or 0,
        looked_at=_maybe_time(item.get("looked_at")),
        absent_since=_maybe_time(item.get("absent_since")),
        hinted=bool(item.get("hinted")),
        told=bool(item.get("told")),
        surplus=bool(item.get("surplus")),
        captured=bool(item.get("captured")),
        reversed_by=item.get("reversed_by"),
        provider_reference=item.get("provider_reference"),
        had_cvv=bool(item.get("had_cvv")),
        cvv_here=bool(item.get("cvv_here")),
        cause=item.get("cause"),
        supersedes=item.get("supersedes"),
    )


def _time(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def _maybe_time(text: str | None) -> datetime | None:
    return None if text is None else _time(text)
