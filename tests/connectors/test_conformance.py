"""What every connector must do, for every capability it declares, against its simulator over real sockets.

A new provider gets all of this by being there: the parameters come from the registry.
"""

import json
import logging
import time
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.errors import BadSignature
from gateway.domain.outcome import Absent, Approved, Declined, NotSent, Pending, Unknown
from gateway.use_cases.ports import OperationKind
from tests.connectors.harness import CVV, REGISTRY, VISA, Bench, expired, provider_account, unsigned

KINDS: tuple[OperationKind, ...] = ("authorize", "capture", "void", "refund")
MOVES = {"authorize": "charge", "capture": "capture", "void": "void", "refund": "refund"}


def providers(*capabilities: str) -> list[str]:
    return [slug for slug, spec in REGISTRY.specs.items() if set(capabilities) <= spec.capabilities]


def operations(means: str | None = None) -> list[Any]:
    return [
        pytest.param(slug, kind, id=f"{slug}-{kind}")
        for slug, spec in REGISTRY.specs.items()
        for kind in KINDS
        if kind in spec.capabilities and (means is None or means in spec.resolves[kind])
    ]


@pytest.mark.parametrize("slug", providers("authorize"))
async def test_a_charge_is_authorized_and_captured_at_once(psp: Bench) -> None:
    call = psp.call("authorize")
    outcome = await psp.send(call)
    assert isinstance(outcome, Approved)
    assert (outcome.amount, outcome.currency, outcome.captured) == (4200, "EUR", True)
    [entry] = await psp.account.journal()
    assert (entry["kind"], entry["amount"], entry["reference"], entry["payment"]) == (
        "charge",
        4200,
        call.operation_id,
        call.payment_id,
    )


@pytest.mark.parametrize("slug", providers("authorize", "capture"))
async def test_an_authorization_is_captured_later(psp: Bench) -> None:
    parent = await psp.authorized()
    call = psp.call("capture", parent_reference=parent)
    outcome = await psp.done(call)
    assert isinstance(outcome, Approved)
    assert outcome.amount == 4200
    assert await psp.moved(call) == [("authorize", 4200), ("capture", 4200)]


@pytest.mark.parametrize("slug", providers("partial_capture"))
async def test_a_part_is_captured_and_the_rest_released(releasing: Bench) -> None:
    parent = await releasing.authorized()
    call = releasing.call("capture", 1000, parent_reference=parent)
    outcome = await releasing.done(call)
    assert isinstance(outcome, Approved)
    assert outcome.amount == 1000
    assert await releasing.moved(call) == [("authorize", 4200), ("capture", 1000)]
    again = await releasing.done(releasing.call("capture", 1000, parent_reference=parent))
    assert isinstance(again, Declined)


@pytest.mark.parametrize("slug", providers("multiple_captures"))
async def test_an_authorization_is_captured_in_parts(psp: Bench) -> None:
    parent = await psp.authorized()
    call = psp.call("capture")
    for amount, final in ((1000, False), (500, False), (2000, True)):
        call = psp.call("capture", amount, parent_reference=parent, final=final)
        outcome = await psp.done(call)
        assert isinstance(outcome, Approved)
        assert outcome.amount == amount
    assert await psp.moved(call) == [("authorize", 4200), ("capture", 1000), ("capture", 500), ("capture", 2000)]


@pytest.mark.parametrize("slug", providers("authorize", "void"))
async def test_an_authorization_is_voided(psp: Bench) -> None:
    call = psp.call("void", parent_reference=await psp.authorized())
    assert isinstance(await psp.done(call), Approved)
    assert await psp.moved(call) == [("authorize", 4200), ("void", 4200)]
    capture = await psp.done(psp.call("capture", parent_reference=call.parent_reference))
    assert isinstance(capture, Declined)


@pytest.mark.parametrize("slug", providers("partial_refund"))
async def test_captured_money_goes_back_in_parts_and_never_more_than_there_was(psp: Bench) -> None:
    parent = await psp.authorized(capture=True)
    for amount in (1200, 3000):
        outcome = await psp.done(psp.call("refund", amount, parent_reference=parent))
        assert isinstance(outcome, Approved)
        assert outcome.amount == amount
    assert isinstance(await psp.done(psp.call("refund", 1, parent_reference=parent)), Declined)


@pytest.mark.parametrize("slug", providers("authorize"))
async def test_a_decline_is_a_value(psp: Bench) -> None:
    await psp.account.fault({"operation": "authorize"}, {"action": "decline", "code": "51"})
    outcome = await psp.send(psp.call("authorize"))
    assert isinstance(outcome, Declined)
    assert outcome.reason.value == "insufficient_funds"


@pytest.mark.parametrize("slug", providers("authorize"))
async def test_what_the_psp_decides_later_is_pending_until_it_is_decided(psp: Bench) -> None:
    await psp.account.fault({"operation": "authorize"}, {"action": "pending", "seconds": 60}, times=1)
    call = psp.call("authorize")
    outcome = await psp.send(call)
    assert isinstance(outcome, Pending)
    if "read" in psp.connector.spec.capabilities:
        known = replace(call, provider_reference=outcome.provider_reference)
        assert isinstance(await psp.connector.read(known), Pending)
    await psp.account.advance(61)
    assert isinstance(await psp.settled(call, outcome), Approved)


@pytest.mark.parametrize(("slug", "kind"), operations())
async def test_a_repeated_call_moves_money_once(psp: Bench, kind: OperationKind) -> None:
    call = await psp.ready(kind)
    first, second = await psp.send(call), await psp.send(call)
    assert second == first
    assert isinstance(await psp.settled(call, first), Approved)
    assert [move for move in await psp.moved(call) if move[0] == MOVES[kind]] == [(MOVES[kind], 4200)]


@pytest.mark.parametrize(("slug", "kind"), operations())
@pytest.mark.parametrize("lose", ["reset", "hang"])
async def test_a_lost_answer_is_unknown_never_failed(psp: Bench, kind: OperationKind, lose: str) -> None:
    call = replace(await psp.ready(kind), timeout_s=0.4)
    fault = {"action": "commit_then_lose_response", "lose": lose}
    await psp.account.fault({"operation": kind}, fault, times=1, per="request")
    outcome = await psp.send(call)
    assert isinstance(outcome, Unknown)
    assert outcome.cause == {"reset": "reset", "hang": "timeout"}[lose]


@pytest.mark.parametrize(("slug", "kind"), operations("idempotent_replay"))
@pytest.mark.parametrize("fault", ["commit_then_lose_response", "reset_before_commit"])
async def test_an_unknown_is_resolved_by_replay(psp: Bench, kind: OperationKind, fault: str) -> None:
    call = await psp.ready(kind)
    await psp.account.fault({"operation": kind}, fault, times=1, per="request")
    assert isinstance(await psp.send(call), Unknown)
    outcome = await psp.done(call)
    assert isinstance(outcome, Approved)
    assert outcome.amount == 4200
    assert [move for move in await psp.moved(call) if move[0] == MOVES[kind]] == [(MOVES[kind], 4200)]


@pytest.mark.parametrize(("slug", "kind"), operations("webhook"))
async def test_an_unknown_is_resolved_by_a_webhook(psp: Bench, kind: OperationKind) -> None:
    call = await psp.ready(kind)
    await psp.account.fault({"operation": kind}, "commit_then_lose_response", times=1)
    assert isinstance(await psp.send(call), Unknown)
    fact = await psp.notified(call)
    if psp.connector.spec.webhook_is_truth:
        outcome = fact.outcome
    else:
        assert fact.outcome is None
        outcome = await psp.connector.read(replace(call, provider_reference=fact.provider_reference))
    assert isinstance(outcome, Approved)
    assert (outcome.amount, outcome.currency) == (4200, "EUR")


@pytest.mark.parametrize(("slug", "kind"), operations())
async def test_after_a_5xx_no_declared_means_moves_money_twice(psp: Bench, kind: OperationKind) -> None:
    """What the resolver would do next, by the declared order and `replay_after_5xx`."""
    call = await psp.ready(kind)
    await psp.account.fault({"operation": kind}, {"action": "server_error", "status": 500, "commit": True}, times=1)
    assert await psp.send(call) == Unknown(cause="server_error", detail="HTTP 500")
    spec = psp.connector.spec
    usable = [means for means in spec.resolves[kind] if spec.replay_after_5xx or means != "idempotent_replay"]
    if usable[0] == "idempotent_replay":
        outcome = await psp.done(call)
    else:
        await psp.account.advance(120)  # past any lag of the PSP's index
        outcome = await psp.connector.read(call)
    assert isinstance(outcome, Approved | Unknown)
    assert [move for move in await psp.moved(call) if move[0] == MOVES[kind]] == [(MOVES[kind], 4200)]


@pytest.mark.parametrize(("slug", "kind"), operations("read_by_reference"))
async def test_an_unknown_is_resolved_by_a_read_of_our_reference(psp: Bench, kind: OperationKind) -> None:
    call = await psp.ready(kind)
    assert isinstance(await psp.connector.read(call), Absent)
    await psp.account.fault({"operation": kind}, "commit_then_lose_response", times=1)
    assert isinstance(await psp.send(call), Unknown)
    await psp.account.advance(120)  # past any lag of the PSP's index
    outcome = await psp.connector.read(call)
    assert isinstance(outcome, Approved)
    assert (outcome.amount, outcome.currency) == (4200, "EUR")


@pytest.mark.parametrize(("slug", "kind"), operations("read_by_provider_reference"))
async def test_an_unknown_is_resolved_by_a_read_of_the_psps_reference(psp: Bench, kind: OperationKind) -> None:
    call = await psp.ready(kind)
    await psp.account.fault({"operation": kind}, "commit_then_lose_response", times=1)
    assert isinstance(await psp.send(call), Unknown)
    # A webhook would bring it; here the journal does. Captures and voids are read on their parent.
    if kind in ("authorize", "refund"):
        call = replace(call, provider_reference=(await psp.account.journal())[-1]["object"])
    outcome = await psp.connector.read(call)
    assert isinstance(outcome, Approved)
    assert (outcome.amount, outcome.currency) == (4200, "EUR")


@pytest.mark.parametrize(("slug", "kind"), operations())
async def test_a_refused_connection_is_proved_not_sent(psp: Bench, kind: OperationKind) -> None:
    call = await psp.ready(kind)
    before = await psp.account.journal()
    fault = await psp.account.fault({}, "connection_refused")
    outcome = await psp.send(call)
    assert outcome == NotSent(cause="refused")
    await psp.account.control("DELETE", f"/faults/{fault}")
    assert await psp.account.journal() == before


@pytest.mark.parametrize(("slug", "kind"), operations())
async def test_past_its_fence_not_one_byte_leaves(psp: Bench, kind: OperationKind) -> None:
    call = await psp.ready(kind)
    before = len(await psp.account.requests())
    assert await psp.send(expired(call)) == NotSent(cause="fenced")
    assert len(await psp.account.requests()) == before


@pytest.mark.parametrize(("slug", "kind"), operations())
@pytest.mark.parametrize("fault", ["truncated_body", "malformed_body", {"action": "rate_limit", "retry_after": 1}])
async def test_an_answer_that_is_none_is_unknown(psp: Bench, kind: OperationKind, fault: Any) -> None:
    call = await psp.ready(kind)
    await psp.account.fault({"operation": kind}, fault, times=1)
    outcome = await psp.send(call)
    assert isinstance(outcome, Unknown)
    assert outcome.cause == ("rate_limited" if isinstance(fault, dict) else "malformed")


@pytest.mark.parametrize("slug", providers("authorize", "webhook"))
async def test_a_notification_names_our_operation_and_only_with_its_signature(psp: Bench) -> None:
    call = psp.call("authorize")
    assert isinstance(await psp.send(call), Approved)
    await psp.notified(call)
    headers, body = next(one for one in psp.inbox.received if call.operation_id.encode() in one[1])
    stranger = provider_account(psp.account, webhook_secret="ab" * 32)
    now_s = time.time()
    forged = [
        (headers, body.replace(call.operation_id.encode(), b"att_another"), psp.provider, now_s),
        (headers, json.dumps({"id": "evt_1", "type": "x"}).encode(), psp.provider, now_s),
        (*unsigned(headers, body), psp.provider, now_s),
        (headers, body, stranger, now_s),
    ]
    if psp.connector.spec.webhook_stamped:  # tolerance is 300 s; the stamp is older than now by what the way here took
        forged += [(headers, body, psp.provider, now_s + 301), (headers, body, psp.provider, now_s - 301 - 60)]
    for bad_headers, bad_body, account, at in forged:
        with pytest.raises(BadSignature):
            psp.connector.verify_webhook(bad_headers, bad_body, account, at)
    # A repetition is known by its event id, whatever the signature covers.
    [once, again] = [psp.connector.verify_webhook(headers, body, psp.provider, time.time()) for _ in range(2)]
    assert once == again


@pytest.mark.parametrize("slug", providers("authorize"))
@pytest.mark.parametrize("fault", [None, "reset_before_commit", "malformed_body", {"action": "decline", "code": "05"}])
async def test_no_card_or_key_shows_in_logs_values_or_errors(
    psp: Bench, fault: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if fault is not None:
        await psp.account.fault({"operation": "authorize"}, fault)
    call = psp.call("authorize")
    outcome = await psp.send(call)
    read = await psp.connector.read(call)
    shown = f"{caplog.text} {call!r} {outcome!r} {read!r} {psp.provider!r}"
    for secret in (VISA, f"cvc={CVV}", f'"{CVV}"', psp.account.api_key, psp.account.webhook_secret):
        assert secret not in shown
