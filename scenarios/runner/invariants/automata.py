"""What may follow what: the runner's own tables, written from the published statuses (INV-08, INV-10, RET-07).

They repeat `docs/architecture.md` on purpose and share no code with the gateway: a table wrong in one place shows.
"""

from collections.abc import Iterator
from itertools import pairwise

from scenarios.runner.evidence import Evidence, Operation, Row, Violation
from scenarios.runner.invariants import disputes

_FIRST = {"requires_action", "authorized", "captured", "declined", "failed", "canceled", "needs_review"}

PAYMENT: dict[str, set[str]] = {
    "processing": _FIRST,
    "requires_action": _FIRST - {"requires_action"} | {"processing"},
    "needs_review": _FIRST - {"needs_review"} | {"processing"},
    "authorized": {"partially_captured", "captured", "canceled"},
    "partially_captured": {"partially_captured", "captured", "authorized"},
    "captured": {"authorized", "partially_captured"},  # a capture that was confirmed failed afterwards
    "declined": set(),
    "failed": set(),
    "canceled": set(),
}
"""From a payment's status to the ones that may follow. The last three are terminal."""

TERMINAL = frozenset(status for status, following in PAYMENT.items() if not following)

STATUS_OF_EVENT = {
    "payment.created": "processing",
    "payment.requires_action": "requires_action",
    "payment.authorized": "authorized",
    "payment.partially_captured": "partially_captured",
    "payment.captured": "captured",
    "payment.declined": "declined",
    "payment.failed": "failed",
    "payment.canceled": "canceled",
}
"""Events that say a payment's new status; the others (`refund.*`, `payment.duplicate_*`) leave it."""

CAPTURE_FAILED = "payment.capture_failed"
"""Says that a capture did not stand, or did not happen: the payment is where it was without it."""

TOLD_BY_VIEW = frozenset({CAPTURE_FAILED, "payment.needs_review", "payment.review_resolved"})
"""Events after which the payment may have another status or the one before: an operation after the sale may need a
review while the payment stands as it is, and an operator may have a PSP asked again.
"""

_OPEN = {"approved", "declined", "absent", "review", "unknown", "pending", "requires_action"}

OPERATION: dict[str, set[str]] = {
    "dispatched": _OPEN | {"not_sent"},
    "unknown": _OPEN
    | {"not_sent", "reversed"},  # the sender that was thought dead proves that its first byte never left
    "pending": _OPEN | {"reversed"},  # that it failed is told before that it was done
    "requires_action": _OPEN,
    "review": {"approved", "declined", "absent", "reversed"},
    "absent": {"approved"},
    "not_sent": {"approved"},
    "approved": {"reversed"},
    "declined": set(),
    "reversed": set(),
}
"""From an operation's status to the ones that may follow; learning the same thing again is not a transition."""

STATUS_OF_OUTCOME = {"action_required": "requires_action"}
"""Outcomes whose status has another name; all others have the same."""


def history(operation: Operation) -> list[str]:
    """Every status an operation has had, in order, repeats removed: from what was learned to where it stands."""
    statuses = ["dispatched", *(STATUS_OF_OUTCOME.get(word, word) for word in operation.outcomes), operation.status]
    return [status for n, status in enumerate(statuses) if n == 0 or status != statuses[n - 1]]


def legal_transitions(evidence: Evidence) -> Iterator[Violation]:
    """INV-08: only legal transitions, of payments by their events, of operations by their history; an end is an end."""
    yield from disputes.legal(evidence)
    for payment in evidence.payments:
        statuses = _statuses(evidence.events_of(payment.id))
        if statuses[:1] != ["processing"]:
            yield Violation("INV-08", f"the first event does not create the payment: {statuses}", payment.id)
            continue
        for before, after in pairwise(statuses):
            if after not in PAYMENT[before]:
                end = " after its end" if before in TERMINAL else ""
                yield Violation("INV-08", f"payment went from {before} to {after}{end}", payment.id)
    for operation in evidence.operations:
        for before, after in pairwise(history(operation)):
            if after not in OPERATION.get(before, set()):
                yield Violation(
                    "INV-08", f"{operation.kind} {operation.id} went from {before} to {after}", operation.payment
                )
        if operation.status == "reversed" and not operation.surplus and operation.kind not in {"capture", "refund"}:
            yield Violation(
                "INV-08", f"{operation.kind} {operation.id} is reversed, but was no surplus", operation.payment
            )


def _statuses(events: list[Row]) -> list[str]:
    """Every status that a payment's events tell of. A capture that failed leaves the status or takes it back, a review
    leaves it or makes it wait: that is in the view.
    """
    found: list[str] = []
    for event in events:
        if event["type"] in STATUS_OF_EVENT:
            found.append(STATUS_OF_EVENT[event["type"]])
        elif event["type"] in TOLD_BY_VIEW and [now := event["data"]["payment"]["status"]] != found[-1:]:
            found.append(now)
    return found


def rebuilt_state(evidence: Evidence) -> Iterator[Violation]:
    """INV-10: a payment rebuilt from its events alone is the payment stored, and so are its refunds' amounts."""
    yield from disputes.rebuilt(evidence)
    for payment in evidence.payments:
        events = evidence.events_of(payment.id)
        if not events:
            yield Violation("INV-10", "the payment has no events to rebuild it from", payment.id)
            continue
        rebuilt = rebuild(events)
        for name, value in rebuilt.items():
            stored = getattr(payment, name)
            if stored != value:
                yield Violation("INV-10", f"{name} is {value} by the events, {stored} as stored", payment.id)


def rebuild(events: list[Row]) -> dict[str, object]:
    """Status, amounts and currency of a payment from its events, without looking at what they call its present state.

    The status comes from the events' types; refunds are added up from the `refund.succeeded` events; authorized and
    captured amounts are those of the last event that changed them.
    """
    state: dict[str, object] = {}
    refunds: dict[str, int] = {}
    for event in events:
        kind, data = event["type"], event["data"]
        view = data["payment"]
        if kind in STATUS_OF_EVENT:
            state["status"] = STATUS_OF_EVENT[kind]
            state |= {name: view[name] for name in ("amount", "currency", "amount_authorized", "amount_captured")}
        if kind in TOLD_BY_VIEW:
            state["status"] = view["status"]
        if kind in {CAPTURE_FAILED, "payment.reauthorized"}:
            state |= {name: view[name] for name in ("amount_authorized", "amount_captured")}
        if kind == "refund.succeeded":
            refunds[data["refund"]["id"]] = data["refund"]["amount"]
        elif kind == "refund.failed":  # it may have succeeded before, and bounced
            refunds.pop(data["refund"]["id"], None)
    return state | {"amount_refunded": sum(refunds.values())}


def one_at_a_time(evidence: Evidence) -> Iterator[Violation]:
    """RET-06: no attempt begins while an earlier attempt of the payment is live or unresolved."""
    for payment in evidence.payments:
        attempts = [operation for operation in evidence.operations_of(payment.id) if operation.kind == "authorize"]
        for before, after in pairwise(sorted(attempts, key=lambda operation: operation.created_at)):
            settled_first = {"declined", "not_sent", "absent"} & set(before.outcomes)
            if not settled_first and after.supersedes is None:
                yield Violation(
                    "RET-06",
                    f"{after.provider} was asked ({after.id}) although {before.provider} ({before.id}) "
                    f"had not refused: {' → '.join(before.outcomes) or before.status}",
                    payment.id,
                )
