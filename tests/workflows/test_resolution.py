"""The rules of `domain.resolution`, each by the case that would cost money if it were wrong; then at random."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import resolution as r

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MEANS = ("idempotent_replay", "read_by_provider_reference", "read_by_reference", "webhook")
RULES = r.Rules(
    means=dict.fromkeys(("authorize", "capture", "void", "refund"), MEANS),
    max_processing_s=80,
    index_lag_s=60,
    replay_window_s=82800,
)
READ_ONLY = replace(RULES, means={"authorize": ("read_by_reference",)})
WEBHOOK_ONLY = replace(RULES, means={"authorize": ("webhook",)})


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def operation(**changed: Any) -> r.OperationState:
    base = r.OperationState("att_1", "authorize", "psp", "unknown", ago(10), unknown_since=ago(9))
    return replace(base, **changed)


def step(*operations: r.OperationState, rules: r.Rules = RULES, **changed: Any) -> r.Step:
    snapshot = r.Snapshot(
        "pay_1",
        changed.pop("status", "processing"),
        cascade_until=changed.pop("cascade_until", NOW + timedelta(seconds=50)),
        operations=operations,
        rules={each.id: rules for each in operations},
        **changed,
    )
    return r.next_step(snapshot, NOW)


def resolve(means: str, *, counts: bool = False) -> r.Resolve:
    return r.Resolve("att_1", means, counts)


def test_a_sender_is_left_alone_while_its_lease_lasts() -> None:
    until = NOW + timedelta(seconds=3)
    assert step(operation(status="dispatched", unknown_since=None, lease_until=until)) == r.Wait(until)
    assert step(operation(status="dispatched", unknown_since=None, lease_until=until, hinted=True)) == r.Wait(until)
    assert step(operation(lease_until=until)) == r.Wait(until)


def test_a_sender_that_died_is_asked_after_its_lease() -> None:
    assert step(operation(status="dispatched", unknown_since=None, lease_until=ago(1))) == resolve("idempotent_replay")


@pytest.mark.parametrize(
    ("changed", "means"),
    [
        ({}, "idempotent_replay"),
        ({"had_cvv": True, "cvv_here": True}, "idempotent_replay"),
        ({"had_cvv": True, "cvv_here": False}, "read_by_reference"),
        ({"created_at": ago(90000), "unknown_since": ago(1)}, "read_by_reference"),
        ({"absent_since": ago(1), "looks": 1, "looked_at": ago(1)}, "read_by_reference"),
        ({"cause": "server_error", "looks": 1, "looked_at": ago(5)}, "read_by_reference"),
        ({"cause": "conflict"}, "read_by_reference"),
        ({"looks": 3, "looked_at": ago(60)}, "read_by_reference"),
        ({"hinted": True}, "read_by_reference"),
        ({"hinted": True, "provider_reference": "pi_1"}, "read_by_provider_reference"),
    ],
    ids=str,
)
def test_how_an_unknown_is_looked_at(changed: dict[str, Any], means: str) -> None:
    assert step(operation(**changed)) == resolve(means)


def test_an_authorization_is_never_replayed_when_the_shopper_is_gone() -> None:
    assert step(operation(), cascade_until=NOW) == resolve("read_by_reference")


def test_a_capture_is_replayed_whenever_its_key_is_remembered() -> None:
    capture = operation(id="att_1", kind="capture")
    assert step(capture, cascade_until=ago(1000), status="authorized") == resolve("idempotent_replay")


def test_absent_counts_on_a_second_look_past_processing_and_lag() -> None:
    looked = {"looks": 1, "looked_at": ago(139), "cause": "in_progress"}
    early = step(operation(absent_since=ago(139), **looked))
    assert early == resolve("read_by_reference", counts=False)
    assert step(operation(absent_since=ago(140), **looked)) == resolve("read_by_reference", counts=True)


def test_the_deciding_look_is_not_postponed_by_growing_pauses() -> None:
    often = operation(absent_since=ago(139.5), looks=10, looked_at=ago(1))
    assert step(often) == r.Wait(NOW + timedelta(seconds=0.5))


def test_looks_are_spaced_and_the_pauses_grow() -> None:
    waits = [step(operation(looks=looks, looked_at=NOW, cause="timeout")) for looks in range(1, 13)]
    pauses = [(wait.until - NOW).total_seconds() for wait in waits if isinstance(wait, r.Wait)]
    assert pauses == [0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 300, 300]


def test_without_proof_a_person_must_look_and_nobody_else_is_asked() -> None:
    long_ago = ago(r.UNKNOWN_WINDOW_S + 141)
    unknown = operation(created_at=long_ago, unknown_since=long_ago, looks=12, looked_at=ago(1))
    assert step(unknown, attempt_due=True) == r.Review("att_1", "no_proof")
    # But never without a last look, be we ever so late.
    late = step(replace(unknown, looks=0, looked_at=None), cascade_until=ago(3000))
    assert late == resolve("read_by_reference")


def test_a_look_that_an_operator_asked_for_is_made_at_once_and_is_not_the_first() -> None:
    """Whatever the window says; and what may be repeated as the first look only is not repeated by it."""
    long_ago = ago(r.UNKNOWN_WINDOW_S + 141)
    again = operation(created_at=long_ago, unknown_since=NOW, looks=1, looked_at=None, cause="timeout")
    assert step(again, cascade_until=ago(3000)) == resolve("read_by_reference")
    assert step(replace(again, unknown_since=long_ago), cascade_until=ago(3000)) == resolve("read_by_reference")
    refund = replace(again, kind="refund")
    once = r.Rules({"refund": ("idempotent_replay", "read_by_reference")}, 1, 1, 86400, replay_after_5xx=False)
    assert step(refund, rules=once) == resolve("read_by_reference")


def test_an_answer_that_contradicts_what_was_asked_is_not_asked_for_ever() -> None:
    stubborn = operation(cause="conflict", looks=3, looked_at=NOW)
    assert step(stubborn) == r.Review("att_1", "conflict")


def test_what_only_a_webhook_can_tell_waits_for_it() -> None:
    wait = step(operation(), rules=WEBHOOK_ONLY)
    assert isinstance(wait, r.Wait)
    assert wait.for_others
    long_ago = ago(r.UNKNOWN_WINDOW_S + 141)
    assert step(operation(unknown_since=long_ago), rules=WEBHOOK_ONLY) == r.Review("att_1", "no_proof")


@pytest.mark.parametrize("status", ["pending", "requires_action"])
def test_what_the_psp_accepted_is_read_and_never_replayed(status: str) -> None:
    accepted = operation(status=status, provider_reference="pi_1")
    assert step(accepted) == resolve("read_by_provider_reference")
    wait = step(replace(accepted, looks=1, looked_at=NOW))
    assert isinstance(wait, r.Wait)
    assert wait.for_others


def test_pending_waits_longer_than_unknown() -> None:
    since = ago(r.UNKNOWN_WINDOW_S * 2)
    accepted = operation(status="pending", provider_reference="pi_1", unknown_since=since, looks=50, looked_at=NOW)
    assert isinstance(step(accepted), r.Wait)
    since = ago(r.PENDING_WINDOW_S + 141)
    assert step(replace(accepted, unknown_since=since)) == r.Review("att_1", "pending_too_long")


@pytest.mark.parametrize("status", ["declined", "absent", "not_sent", "review"])
def test_a_settled_no_is_read_again_when_a_webhook_speaks_of_it(status: str) -> None:
    settled = operation(status=status, hinted=True)
    assert step(settled) == resolve("read_by_reference")
    assert step(replace(settled, hinted=False), status="failed") == r.Done()


@pytest.mark.parametrize(
    "status", ["dispatched", "unknown", "pending", "requires_action", "review", "declined", "absent"]
)
def test_what_a_webhook_told_is_applied_before_anything_is_asked(status: str) -> None:
    told = operation(status=status, hinted=True, told=True, looks=7, looked_at=NOW)
    assert step(told) == resolve("webhook")
    until = NOW + timedelta(seconds=3)
    assert step(replace(told, lease_until=until)) == r.Wait(until)


def test_what_stands_approved_and_is_told_not_to_is_taken_back() -> None:
    told = operation(status="approved", told=True, hinted=True)
    assert step(told, status="captured") == resolve("webhook")
    # A capture that is undecided decides what there is to lose: it goes first.
    capture = operation(id="cap_1", kind="capture", hinted=True)
    assert step(told, capture, status="authorized") == r.Resolve("cap_1", "read_by_provider_reference", False)


def test_what_stands_approved_and_is_said_not_to_is_read_again() -> None:
    hinted = operation(status="approved", hinted=True, provider_reference="psp_1")
    assert step(hinted, status="captured") == resolve("read_by_provider_reference")
    tired = replace(hinted, looks=3, looked_at=NOW)
    assert step(tired, status="captured") == r.Wait(NOW + timedelta(seconds=2))


def test_a_conflict_that_nobody_can_read_is_a_persons() -> None:
    rules = replace(RULES, means={"capture": ("idempotent_replay", "webhook")})
    odd = operation(id="cap_1", kind="capture", cause="conflict", looks=1, looked_at=NOW)
    assert step(odd, rules=rules, status="authorized") == r.Review("cap_1", "conflict")


def test_what_ran_out_is_released_once_nothing_is_undecided() -> None:
    stands = operation(status="approved")
    assert step(stands, status="authorized", release_at=NOW) == r.Expire()
    assert step(stands, status="authorized", release_at=NOW + timedelta(seconds=1)) == r.Done()
    review = operation(id="cap_1", kind="capture", status="review")
    assert step(stands, review, status="authorized", release_at=NOW) == r.Done()


def test_a_reauthorization_is_replayed_though_no_shopper_is_there() -> None:
    late = {"cascade_until": ago(5)}
    assert step(operation(), **late) == resolve("read_by_reference")
    assert step(operation(supersedes="att_0"), **late) == resolve("idempotent_replay")


def test_a_webhook_that_tells_of_something_else_is_a_persons() -> None:
    told = operation(cause="conflict", looks=1, looked_at=NOW)
    assert step(told, rules=WEBHOOK_ONLY) == r.Review("att_1", "conflict")


@pytest.mark.parametrize(
    ("changed", "means"),
    [
        ({}, "idempotent_replay"),
        ({"cause": "server_error"}, "read_by_reference"),
        ({"looks": 1, "looked_at": ago(5)}, "read_by_reference"),
    ],
    ids=str,
)
def test_a_psp_that_executes_a_key_anew_after_a_5xx_is_replayed_once_at_most(
    changed: dict[str, Any], means: str
) -> None:
    assert step(operation(**changed), rules=replace(RULES, replay_after_5xx=False)) == resolve(means)


def test_a_standing_approval_needs_nothing() -> None:
    assert step(operation(status="approved"), status="captured") == r.Done()
    assert step(operation(status="reversed", surplus=True), status="captured") == r.Done()


def test_a_surplus_approval_is_reversed_once() -> None:
    surplus = operation(status="approved", surplus=True)
    assert step(surplus, status="captured") == r.Reverse("att_1", captured=False)
    assert step(replace(surplus, captured=True), status="captured") == r.Reverse("att_1", captured=True)
    assert step(replace(surplus, reversed_by="void_1"), status="captured") == r.Done()


def test_a_reversal_that_never_arrived_is_tried_again_after_a_pause() -> None:
    surplus = operation(status="approved", surplus=True)
    vain = operation(id="void_1", kind="void", status="not_sent", created_at=NOW)
    assert step(surplus, vain, status="captured") == r.Wait(NOW + timedelta(seconds=0.5))
    assert step(surplus, replace(vain, created_at=ago(1)), status="captured") == r.Reverse("att_1", captured=False)


def test_a_fallback_waits_until_nothing_is_live() -> None:
    declined = operation(status="declined")
    assert step(declined, attempt_due=True) == r.Attempt()
    live = operation(id="att_2", looks=1, looked_at=NOW)
    assert isinstance(step(declined, live, attempt_due=True), r.Wait)
    hinted = replace(declined, hinted=True)
    assert step(hinted, attempt_due=True) == resolve("read_by_reference")


TIMES = st.integers(-200_000, 200).map(lambda seconds: NOW + timedelta(seconds=seconds))
OPERATIONS = st.builds(
    r.OperationState,
    id=st.sampled_from(["att_1", "att_2", "cap_1", "void_1"]),
    kind=st.sampled_from(["authorize", "capture", "void", "refund"]),
    provider=st.just("psp"),
    status=st.sampled_from(
        [*sorted(r.LIVE), "approved", "declined", "not_sent", "absent", "reversed"],
    ),
    created_at=TIMES,
    lease_until=st.none() | TIMES,
    unknown_since=st.none() | TIMES,
    looks=st.integers(0, 20),
    looked_at=st.none() | TIMES,
    absent_since=st.none() | TIMES,
    hinted=st.booleans(),
    told=st.booleans(),
    surplus=st.booleans(),
    reversed_by=st.none() | st.just("void_1"),
    provider_reference=st.none() | st.just("pi_1"),
    had_cvv=st.booleans(),
    cvv_here=st.booleans(),
    cause=st.sampled_from([None, "timeout", "server_error", "conflict", "crash"]),
)


@given(
    operations=st.lists(OPERATIONS, max_size=4, unique_by=lambda each: each.id),
    due=st.booleans(),
    cascade_until=TIMES,
    rules=st.sampled_from([RULES, READ_ONLY, WEBHOOK_ONLY]),
)
def test_whatever_the_database_says(
    operations: list[r.OperationState], due: bool, cascade_until: datetime, rules: r.Rules
) -> None:
    """Never a second PSP while one is open, never a lease broken, never a replay that could charge twice."""
    got = step(*operations, rules=rules, attempt_due=due, cascade_until=cascade_until)
    by_id = {each.id: each for each in operations}
    match got:
        case r.Attempt():
            assert due
            assert not any(each.live for each in operations)
        case r.Resolve():
            one = by_id[got.operation_id]
            assert one.lease_until is None or one.lease_until <= NOW
            assert one.told if got.means == "webhook" else got.means in rules.means.get(one.kind, ())
            if got.means == "idempotent_replay":
                assert one.status in ("dispatched", "unknown")
                assert one.absent_since is None
                assert one.cvv_here or not one.had_cvv
                assert one.kind != "authorize" or cascade_until > NOW
            if got.counts:
                assert one.absent_since is not None
                assert one.absent_since + timedelta(seconds=140) <= NOW
        case r.Reverse():
            assert by_id[got.operation_id].surplus
        case r.Wait():
            assert got.until > NOW
        case r.Done():
            # Only a review, or what no means can reach, may be live when there is nothing to do.
            assert all(not each.live or each.status == "review" for each in operations)
            assert not due or any(each.live for each in operations)
        case r.Review():
            assert by_id[got.operation_id].live
