"""Goal: one begin, one send, one apply; waiters on a key get the same answer; a failed apply is never a failure."""

import asyncio
from typing import Any

import pytest

from gateway.domain.card import CardSecret, Pan
from gateway.domain.errors import Conflict, NotFound, Refused
from gateway.domain.outcome import Unknown
from gateway.use_cases.cancel_payment import CancelPayment, cancel_payment
from gateway.use_cases.capture_payment import CapturePayment, capture_payment
from gateway.use_cases.create_payment import CreatePayment, create_payment
from gateway.use_cases.operate import Answer, IdempotencyKey
from gateway.use_cases.ports import Json, Timing
from gateway.use_cases.refund_payment import RefundPayment, refund_payment
from tests.unit.fakes import TEST_PAN, FakeConnector, FakeStore, Outside, RealClock, applied, away, dispatch

KEY = IdempotencyKey("POST /v1/payments", "key-1", "print")
PROCESSING = {"id": "pay_1", "status": "processing"}
CAPTURED = {"id": "pay_1", "status": "captured"}


def begun(kind: str = "authorize", **more: Any) -> Json:
    return {"result": "begun", "payment": PROCESSING, "dispatch": dispatch(kind)} | more


def command(key: IdempotencyKey | None = KEY) -> CreatePayment:
    return CreatePayment("mer_1", 4200, "EUR", token="tok_1", idempotency=key)


async def test_two_calls_of_the_database_around_one_of_the_psp() -> None:
    outside = Outside(store=FakeStore(payment_begin_v1=begun(), payment_apply_v1=applied()))
    assert await create_payment(outside.ports, command()) == Answer(201, CAPTURED)
    assert outside.store.names() == ["payment_begin_v1", "payment_apply_v1"]
    assert len(outside.connector.calls) == 1
    begin, apply = (p for _, _, p in outside.store.asked)
    assert begin["idempotency"] == {"scope": "POST /v1/payments", "key": "key-1", "fingerprint": "print"}
    assert (begin["send_within_ms"], begin["lease_ms"]) == (800, 3000)
    assert begin["cascade_until"] == "2026-03-01T12:01:00+00:00"
    assert apply["answers"] == {"scope": "POST /v1/payments", "key": "key-1", "status": 201}
    assert outside.failpoints.reached == [
        "begin.before",
        "begin.after",
        "send.before",
        "receive.after",
        "apply.before",
        "apply.after",
    ]
    assert len(outside.ports.flights) == 0


async def test_what_outlives_the_request_waits_for_its_workflow() -> None:
    store = FakeStore(
        payment_begin_v1=begun(),
        payment_apply_v1=applied("processing", "unknown", workflow=True),
        payment_get_v1=CAPTURED,
    )
    outside = Outside(store=store, connector=FakeConnector(Unknown("timeout")))
    assert await create_payment(outside.ports, command()) == Answer(201, CAPTURED)
    assert outside.workflows.waited == [("pay_1", 4.0)]


async def test_still_processing_after_the_budget_is_202() -> None:
    store = FakeStore(
        payment_begin_v1=begun(),
        payment_apply_v1=applied("processing", "unknown", workflow=True),
        payment_get_v1=PROCESSING,
    )
    outside = Outside(store=store, connector=FakeConnector(Unknown("timeout")))
    assert await create_payment(outside.ports, command()) == Answer(202, PROCESSING)


@pytest.mark.parametrize("read", [PROCESSING, away()])
async def test_a_failed_apply_answers_processing(read: Any) -> None:
    store = FakeStore(payment_begin_v1=begun(), payment_apply_v1=away(), payment_get_v1=read)
    outside = Outside(store=store)
    assert await create_payment(outside.ports, command()) == Answer(202, PROCESSING)
    assert len(outside.connector.calls) == 1


async def test_a_frozen_replay_is_the_stored_answer() -> None:
    frozen = {"result": "replay", "state": "frozen", "status": 201, "body": CAPTURED, "payment_id": "pay_1"}
    outside = Outside(store=FakeStore(payment_begin_v1=frozen))
    assert await create_payment(outside.ports, command()) == Answer(201, CAPTURED, replayed=True)
    assert outside.connector.calls == []


async def test_an_open_replay_shows_the_state_as_it_is() -> None:
    store = FakeStore(
        payment_begin_v1={"result": "replay", "state": "open", "payment": PROCESSING},
        idempotency_get_v1={"state": "open", "payment_id": "pay_1", "operation_id": None},
        payment_get_v1=PROCESSING,
    )
    assert await create_payment(Outside(store=store).ports, command()) == Answer(202, PROCESSING, replayed=True)


async def test_a_waiter_wakes_when_the_first_is_answered() -> None:
    """The first caller is held at the PSP; a hundred waiters ask the database once each, then wake together."""
    answered = asyncio.Event()
    state: Json = {"state": "in_flight", "payment_id": "pay_1"}

    async def slow(call: Any) -> Unknown:
        await answered.wait()
        return Unknown("timeout")

    def land(p: Json) -> Json:
        state.update(state="frozen", status=201, body=CAPTURED)
        return applied()

    replay = {"result": "replay", "state": "in_flight", "payment": PROCESSING}
    store = FakeStore(
        payment_begin_v1=[begun(), replay], payment_apply_v1=land, idempotency_get_v1=lambda p: dict(state)
    )
    outside = Outside(store=store, connector=FakeConnector(slow), clock=RealClock())
    callers = [asyncio.create_task(create_payment(outside.ports, command())) for _ in range(101)]
    while store.names().count("idempotency_get_v1") < 100:  # noqa: ASYNC110 - see below
        await asyncio.sleep(0)  # lets the callers run; the fake store has no event to wait for
    answered.set()
    answers = await asyncio.gather(*callers)
    assert [answer.view for answer in answers] == [CAPTURED] * 101
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len(outside.connector.calls) == 1
    assert len(outside.ports.flights) == 0


async def test_a_waiter_gives_up_after_the_budget() -> None:
    store = FakeStore(
        payment_begin_v1={"result": "replay", "state": "in_flight", "payment": PROCESSING},
        idempotency_get_v1={"state": "in_flight", "payment_id": "pay_1"},
    )
    timing = Timing(psp_timeout_s=2, lease_s=3, answer_budget_s=0.1)
    outside = Outside(store=store, clock=RealClock(), timing=timing)
    with pytest.raises(Conflict) as refusal:
        await create_payment(outside.ports, command())
    assert refusal.value.code == "idempotency_in_progress"
    assert 2 <= len(store.names()) < 10


async def test_a_capture_that_is_unknown_is_202() -> None:
    store = FakeStore(
        capture_begin_v1=begun("capture"),
        payment_apply_v1=applied("authorized", "unknown", workflow=True),
        payment_get_v1={"id": "pay_1", "status": "authorized"},
        payment_operations_v1={"data": [{"id": "att_1", "status": "unknown"}]},
    )
    outside = Outside(store=store, connector=FakeConnector(Unknown("reset")))
    answer = await capture_payment(outside.ports, CapturePayment("mer_1", "pay_1", amount=100, final=False))
    assert answer == Answer(202, {"id": "pay_1", "status": "authorized"})
    assert store.asked[0][2]["amount"] == 100
    assert store.asked[0][2]["final"] is False
    assert "idempotency" not in store.asked[0][2]


@pytest.mark.parametrize(("status", "code"), [("processing", 202), ("needs_review", 202), ("canceled", 201)])
async def test_a_cancel_while_the_attempt_is_live_is_recorded(status: str, code: int) -> None:
    view = {"id": "pay_1", "status": status}
    outside = Outside(store=FakeStore(cancel_begin_v1={"result": "recorded", "payment": view}))
    assert await cancel_payment(outside.ports, CancelPayment("mer_1", "pay_1")) == Answer(code, view)
    assert outside.connector.calls == []


@pytest.mark.parametrize(("operation", "code"), [("approved", 201), ("declined", 201), ("unknown", 202)])
async def test_a_refund_shows_the_refund(operation: str, code: int) -> None:
    view = {"id": "ref_1", "status": "pending" if code == 202 else "succeeded"}
    store = FakeStore(
        refund_begin_v1=begun("refund", refund=view),
        payment_apply_v1=applied("captured", operation, refund=view, workflow=operation == "unknown"),
        refund_get_v1=view,
    )
    answer = await refund_payment(Outside(store=store).ports, RefundPayment("mer_1", "pay_1", idempotency=KEY))
    assert answer == Answer(code, view)


@pytest.mark.parametrize("refusal", [Refused("no_route", "…"), NotFound("token_not_found", "…")])
async def test_a_refusal_leaves_no_cvv_behind(refusal: Exception) -> None:
    outside = Outside(store=FakeStore(payment_begin_v1=refusal))
    wanted = CreatePayment("mer_1", 4200, "EUR", card=CardSecret(Pan(TEST_PAN), 12, 2030))
    with pytest.raises(type(refusal)):
        await create_payment(outside.ports, wanted)
    (token_id,) = outside.vault.forgotten
    assert token_id == outside.store.asked[0][2]["card"]["token_id"]
