"""What a payment needs next, from what the database says of it: pure, so that every rule can be tried without a clock.

The rules (see "Money safety: unknown is not failed"):

    one sender          a dispatched operation belongs to its sender until the lease ends
    unknown             resolved by the means the connector declares, in that order, with growing pauses
    replay              only inside the key's window, never without a CVV that the first body held, never for an
                        authorization after `cascade_until` (it would execute a request that never arrived when the
                        shopper is gone), never after a look that found nothing, not again after a stored 5xx, and not
                        at all after a 5xx where the PSP would execute the key anew
    absent              counts on a second look, at least maximum processing + index lag after the first
    no proof            after the window: review and an alert, never another PSP
    surplus             an approval that must not stand (another won, the payment ended, a cancel waited) is reversed
    told                a webhook whose content is the truth spoke: its word is applied at once, before any look
    taken back          of what stands approved, a webhook may still say that it does not (a refund that bounced, an
                        authorization that ran out): that is looked into when nothing else of the payment is undecided
    ran out             an authorization past its time, of which no notice came, is released when nothing is undecided
    hinted              a webhook spoke of an operation: it is read again, even when settled; a late success after
                        another approval becomes surplus
    nothing dispatched  while any operation is live

Times are aware datetimes and seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LOOKS = ("idempotent_replay", "read_by_provider_reference", "read_by_reference")
"""The means by which the gateway itself looks; `webhook` is the means that comes to us."""

LOOK_PAUSES_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Pause before look 0, 1, 2 …; the last one repeats."""

UNKNOWN_WINDOW_S = 3600.0
"""Without proof after this, beyond the PSP's own maximum processing and index lag: a person must look."""

PENDING_WINDOW_S = 7 * 86400.0
"""A card payment that the PSP calls pending for a week is nobody's hope any more."""

ACTION_WINDOW_S = 3600.0
"""How long a shopper may take for a challenge or redirect."""

REPLAYS_MAX = 3
"""After this many looks a means that only reads is preferred, if there is one."""

CONFLICT_LOOKS_MAX = 3
"""A PSP that answers, but not what was asked (another amount, a key used for something else), is not asked for ever."""

LIVE = frozenset({"dispatched", "unknown", "pending", "requires_action", "review"})
_NOT_REVERSED = frozenset({"not_sent", "absent"})


@dataclass(frozen=True, slots=True)
class Rules:
    """One connector's declarations, as far as they decide here. `means`: per operation kind, in order of preference.

    `replay_after_5xx`: whether the PSP gives its stored answer again even if that was a 5xx. Where it does not, it
    executes the key anew, and a request that it had committed before the 5xx would be committed twice.
    `unknown_window_s`: without proof after so long, a person must look.
    """

    means: Mapping[str, tuple[str, ...]]
    max_processing_s: float
    index_lag_s: float
    replay_window_s: float
    replay_after_5xx: bool = True
    unknown_window_s: float = UNKNOWN_WINDOW_S


@dataclass(frozen=True, slots=True)
class OperationState:
    """One operation of SNAPSHOT (docs/architecture.md, section 2)."""

    id: str
    kind: str
    provider: str
    status: str
    created_at: datetime
    lease_until: datetime | None = None
    unknown_since: datetime | None = None
    looks: int = 0
    looked_at: datetime | None = None
    absent_since: datetime | None = None
    hinted: bool = False
    told: bool = False
    surplus: bool = False
    captured: bool = False
    reversed_by: str | None = None
    provider_reference: str | None = None
    had_cvv: bool = False
    cvv_here: bool = False
    cause: str | None = None
    supersedes: str | None = None

    @property
    def live(self) -> bool:
        return self.status in LIVE


@dataclass(frozen=True, slots=True)
class Snapshot:
    """SNAPSHOT of one payment, with the rules of every provider it met. `rules` by operation id."""

    payment_id: str
    status: str
    cascade_until: datetime
    attempt_due: bool = False
    release_at: datetime | None = None
    operations: tuple[OperationState, ...] = ()
    rules: Mapping[str, Rules] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Begin and send the fallback attempt that is due."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """Claim the operation and look by `means`. `counts`: whether an absence found now is proof."""

    operation_id: str
    means: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Reverse:
    """Take back a surplus approval: by a refund if it was `captured`, else by a void."""

    operation_id: str
    captured: bool


@dataclass(frozen=True, slots=True)
class Review:
    """No proof, and none to come: a person must look."""

    operation_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until`, unless a wake comes. `for_others`: the PSP or the shopper is to move, not we."""

    until: datetime
    for_others: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """At rest: nothing is live that we could move."""


@dataclass(frozen=True, slots=True)
class Expire:
    """Release what an authorization held that ran out."""


Step = Attempt | Resolve | Reverse | Review | Expire | Wait | Done


def next_step(snapshot: Snapshot, now: datetime) -> Step:
    """The one thing to do now. Work before waiting; the earliest wait; else done."""
    waits: list[Wait] = []
    for operation in snapshot.operations:
        step = _operation_step(operation, snapshot, now)
        match step:
            case None:
                continue
            case Wait():
                waits.append(step)
            case _:
                return step
    if snapshot.attempt_due and not any(operation.live for operation in snapshot.operations):
        return Attempt()
    if (
        snapshot.release_at is not None
        and now >= snapshot.release_at
        and not any(operation.live for operation in snapshot.operations)
    ):
        return Expire()
    if waits:
        until = min(wait.until for wait in waits)
        return Wait(until, for_others=all(wait.for_others for wait in waits))
    return Done()


def may_replay(operation: OperationState, rules: Rules, cascade_until: datetime, now: datetime) -> bool:
    """Whether sending the same body under the same key again is both allowed and safe."""
    if "idempotent_replay" not in rules.means.get(operation.kind, ()):
        return False
    if now >= operation.created_at + timedelta(seconds=rules.replay_window_s):
        return False
    if operation.had_cvv and not operation.cvv_here:
        return False
    if operation.kind == "authorize" and operation.supersedes is None and now >= cascade_until:
        return False  # a re-authorization needs no shopper
    if not rules.replay_after_5xx and (operation.cause == "server_error" or operation.looks > 0):
        # Once, and first: after a look, a 5xx among the earlier answers may no longer show in the cause.
        return False
    return operation.absent_since is None


def _operation_step(operation: OperationState, snapshot: Snapshot, now: datetime) -> Step | None:
    if operation.lease_until is not None and now < operation.lease_until:
        return Wait(operation.lease_until) if operation.live or operation.hinted else None
    if operation.told and operation.status not in ("approved", "reversed"):
        return Resolve(operation.id, "webhook", counts=False)
    match operation.status:
        case "approved" if operation.told or operation.hinted:
            return _taken_back(operation, snapshot, now)
        case "approved":
            return _reversal(operation, snapshot, now)
        case "reversed":
            return None
        case "dispatched" | "unknown":
            window_s = snapshot.rules[operation.id].unknown_window_s
            return _look(operation, snapshot, now, window_s=window_s, reason="no_proof")
        case "pending":
            return _look(operation, snapshot, now, window_s=PENDING_WINDOW_S, reason="pending_too_long")
        case "requires_action":
            return _look(operation, snapshot, now, window_s=ACTION_WINDOW_S, reason="action_not_completed")
        case _ if operation.hinted:  # declined, absent, not_sent, review: a webhook may contradict them
            return _look_again(operation, snapshot, now)
        case _:
            return None


def _taken_back(operation: OperationState, snapshot: Snapshot, now: datetime) -> Step | None:
    """What stands approved is said not to. A capture that is undecided goes first: it decides what there is to lose."""
    if any(other.live for other in snapshot.operations):
        return None
    if operation.told:
        return Resolve(operation.id, "webhook", counts=False)
    return _look_again(operation, snapshot, now)


def _look_again(operation: OperationState, snapshot: Snapshot, now: datetime) -> Step | None:
    means = _read_means(operation, snapshot.rules[operation.id])
    if means is None:
        return None
    due = _due(operation, operation.created_at)
    return Wait(due) if now < due else Resolve(operation.id, means, counts=False)


def _reversal(operation: OperationState, snapshot: Snapshot, now: datetime) -> Step | None:
    """A surplus approval is taken back until it is. A reversal under way is resolved like every other operation; one
    that the PSP refused is a person's, and the database has said so already.
    """
    if not operation.surplus or operation.reversed_by is not None:
        return None
    vain = [o for o in snapshot.operations if o.kind in ("void", "refund") and o.status in _NOT_REVERSED]
    return _after_pause(vain, now) or Reverse(operation.id, operation.captured)


def _after_pause(vain: list[OperationState], now: datetime) -> Wait | None:
    """A wait that grows with the tries that never reached the PSP, or None when it is over."""
    if not vain:
        return None
    until = max(operation.created_at for operation in vain) + timedelta(seconds=_pause_s(len(vain)))
    return Wait(until) if now < until else None


def _look(operation: OperationState, snapshot: Snapshot, now: datetime, *, window_s: float, reason: str) -> Step | None:
    rules = snapshot.rules[operation.id]
    since = operation.unknown_since or operation.created_at
    others = operation.status in ("pending", "requires_action")
    means = _means(operation, rules, snapshot.cascade_until, now)
    settle_s = rules.max_processing_s + rules.index_lag_s
    deadline = since + timedelta(seconds=window_s + settle_s)
    if means is None:
        if operation.cause == "conflict" and not others:
            return Review(operation.id, "conflict")  # the webhook has spoken, of something else than was asked
        # Only a webhook can tell.
        return Review(operation.id, reason) if now >= deadline else Wait(deadline, for_others=True)
    counts_at = None
    if operation.absent_since is not None:
        counts_at = operation.absent_since + timedelta(seconds=settle_s)
    due = _due(operation, since)
    if counts_at is not None and not others:
        # Looking earlier could still find it, looking then decides: the first look that counts is not postponed.
        due = min(due, counts_at) if now < counts_at else counts_at
    if operation.hinted:
        due = now
    if now >= deadline and operation.looked_at is not None:
        return Review(operation.id, reason)
    if operation.cause == "conflict" and operation.looks >= CONFLICT_LOOKS_MAX and operation.absent_since is None:
        return Review(operation.id, "conflict")
    if now < due:
        return Wait(min(due, deadline) if operation.looks else due, for_others=others)
    return Resolve(operation.id, means, counts=counts_at is not None and now >= counts_at)


def _due(operation: OperationState, since: datetime) -> datetime:
    if operation.looked_at is None:
        return since  # also where an operator asked for another look: it counts on, but is made at once
    return operation.looked_at + timedelta(seconds=_pause_s(operation.looks))


def _pause_s(looks: int) -> float:
    return LOOK_PAUSES_S[min(looks, len(LOOK_PAUSES_S) - 1)]


def _means(operation: OperationState, rules: Rules, cascade_until: datetime, now: datetime) -> str | None:
    """How to look now: replay while it is allowed and still promises something, then whatever reads."""
    read = _read_means(operation, rules)
    if operation.status in ("pending", "requires_action"):
        return read  # it was accepted: a replay would only repeat that answer
    declared = rules.means.get(operation.kind, ())
    if not may_replay(operation, rules, cascade_until, now):
        return read
    tired = operation.looks >= REPLAYS_MAX or (operation.looks > 0 and operation.cause == "server_error")
    conflicting = operation.cause == "conflict"  # the PSP answered, with something that a repetition can't mend
    if conflicting and read is None and operation.looks > 0:
        return None  # nor can anything else: a person must look
    if read is not None and (tired or conflicting or operation.hinted):
        return read
    preferred = next((name for name in declared if name == "idempotent_replay" or name == read), None)
    return preferred or read


def _read_means(operation: OperationState, rules: Rules) -> str | None:
    for name in rules.means.get(operation.kind, ()):
        if name == "read_by_reference":
            return name
        # Captures and voids are read on their parent, whose reference is always known.
        if name == "read_by_provider_reference" and (
            operation.provider_reference is not None or operation.kind in ("capture", "void")
        ):
            return name
    return None
