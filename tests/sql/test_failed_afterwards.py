"""What a PSP had confirmed and takes back: posted back, free to be captured or refunded again, whatever comes first."""

from typing import Any

import pytest

from gateway.domain.errors import Conflict
from gateway.domain.ids import new_id
from tests.sql.world import UNKNOWN, World, approved, at, declined

HOLD = {"valid_s": 100, "grace_s": 50}
PENDING = {"kind": "pending", "provider_reference": "psp_1"}
REVERSED = {"kind": "reversed", "reason": "card_closed", "provider_code": "REFUND_FAILED", "message": "came back"}
STRIPE = "psp:stripe:receivable"


async def tell(world: World, operation_id: str | None, outcome: dict[str, Any] | None, **fields: Any) -> Any:
    """One notification about an operation."""
    fact = {"event_id": new_id("x"), "event_type": "X", "operation_id": operation_id, "outcome": outcome}
    return await world.call(
        "webhook_receive_v1",
        account_id=world.accounts["stripe"],
        facts=[{"provider_reference": None} | fact | fields],
        at=at(50),
        order_id=new_id("ord"),
    )


async def apply_told(world: World, operation_id: str) -> Any:
    """What the resolver does."""
    dispatch = (await world.claim(operation_id))["dispatch"]
    return await world.apply(dispatch, dispatch["told"], source="webhook", told=dispatch["told"], hold=HOLD)


async def done(world: World, kind: str, payment_id: str, amount: int | None = None, **fields: Any) -> str:
    """A capture or refund that the PSP confirmed; its id."""
    begun = await world.operation(kind, payment_id, **({"amount": amount} if amount else {}), **fields)
    outcome = approved(begun["dispatch"]["amount"], reference=begun["dispatch"]["operation_id"])
    await world.apply(begun["dispatch"], outcome)
    return str(begun["dispatch"]["operation_id"])


async def test_a_refund_that_bounces_is_owed_again_and_may_be_refunded_again(world: World) -> None:
    payment_id = await world.paid()
    refund = await done(world, "refund", payment_id, 1000)
    await world.orders()
    await tell(world, refund, REVERSED)
    assert await world.orders() == [payment_id]
    answer = await apply_told(world, refund)
    assert (answer["operation"]["status"], answer["operation"]["outcomes"]) == ("reversed", ["approved", "reversed"])
    assert (answer["payment"]["status"], answer["payment"]["amount_refunded"]) == ("captured", 0)
    assert (answer["refund"]["status"], answer["refund"]["failure"]["reason"]) == ("failed", "card_closed")
    assert (await world.events(payment_id))[-2:] == ["refund.succeeded", "refund.failed"]
    assert await world.balances(payment_id) == {STRIPE: 4200, "merchant:payable": -4200}
    await done(world, "refund", payment_id, 4200)
    assert (await world.payment(payment_id))["amount_refunded"] == 4200


@pytest.mark.parametrize(
    ("taken", "failed", "status", "captured"),
    [
        ([(4200, True)], 0, "authorized", 0),
        ([(1000, True)], 0, "authorized", 0),
        ([(1000, False), (500, False)], 0, "partially_captured", 500),
        ([(1000, False), (500, True)], 0, "captured", 500),
        ([(1000, False), (500, True)], 1, "partially_captured", 1000),
        ([(4000, False), (200, False)], 1, "partially_captured", 4000),
    ],
)
async def test_a_capture_that_fails_afterwards_gives_the_payment_back_to_be_captured(
    world: World, taken: list[tuple[int, bool]], failed: int, status: str, captured: int
) -> None:
    payment_id = await world.paid(captured=False)
    captures = [await done(world, "capture", payment_id, amount, final=final) for amount, final in taken]
    await tell(world, captures[failed], REVERSED)
    answer = await apply_told(world, captures[failed])
    assert (answer["payment"]["status"], answer["payment"]["amount_captured"]) == (status, captured)
    assert (await world.events(payment_id))[-1] == "payment.capture_failed"
    expected = {STRIPE: captured, "merchant:payable": -captured} if captured else {}
    assert await world.balances(payment_id) == expected
    if status != "captured":
        await done(world, "capture", payment_id, 100)
        assert (await world.payment(payment_id))["amount_captured"] == captured + 100


@pytest.mark.parametrize("kind", ["capture", "refund"])
@pytest.mark.parametrize("order", [["approved", "reversed"], ["reversed", "approved"]])
async def test_failure_and_confirmation_in_either_order_book_nothing(world: World, kind: str, order: list[str]) -> None:
    payment_id = await world.paid(captured=kind == "refund")
    before = await world.balances(payment_id)
    begun = await world.operation(kind, payment_id, amount=1000)
    operation_id = begun["dispatch"]["operation_id"]
    await world.apply(begun["dispatch"], PENDING)
    for word in order:  # both before the resolver came to either
        await tell(world, operation_id, approved(1000, reference="psp_1") if word == "approved" else REVERSED)
    answer = await apply_told(world, operation_id)
    assert (answer["operation"]["status"], answer["operation"]["outcomes"]) == ("reversed", ["pending", "reversed"])
    assert await world.balances(payment_id) == before
    await tell(world, operation_id, approved(1000, reference="psp_1"))
    assert [o["hinted"] for o in (await world.plan(payment_id))["operations"]] == [False, False]
    await done(world, kind, payment_id, 4200)  # the reservation is free again


async def test_an_automatic_capture_that_fails_leaves_an_authorization(world: World) -> None:
    begun = await world.begin()
    await world.apply(begun["dispatch"], approved(reference="psp_1"))
    payment_id, operation_id = begun["payment"]["id"], begun["dispatch"]["operation_id"]
    await world.orders()
    await tell(world, operation_id, None, undoes=True)
    assert await world.orders() == [payment_id]
    dispatch = (await world.claim(operation_id))["dispatch"]
    answer = await world.apply(dispatch, approved(captured=False, reference="psp_1"), source="read", hold=HOLD)
    assert (answer["payment"]["status"], answer["payment"]["amount_captured"]) == ("authorized", 0)
    assert answer["payment"]["authorization_expires_at"] == "2026-11-22T12:01:40.000Z"
    assert await world.balances(payment_id) == {}
    await done(world, "capture", payment_id)
    assert await world.events(payment_id) == [
        "payment.created", "payment.captured", "payment.capture_failed", "payment.captured",
    ]  # fmt: skip


async def test_a_hint_that_was_nothing_changes_nothing(world: World) -> None:
    payment_id = await world.paid()
    refund = await done(world, "refund", payment_id, 1000)
    await tell(world, refund, None)
    assert (await world.plan(payment_id))["operations"][-1]["hinted"] is False
    await tell(world, refund, None, undoes=True)
    assert (await world.plan(payment_id))["operations"][-1]["hinted"] is True
    dispatch = (await world.claim(refund))["dispatch"]
    answer = await world.apply(dispatch, approved(1000, reference=refund), source="read")
    assert (answer["result"], answer["operation"]["status"]) == ("already", "approved")
    assert (await world.plan(payment_id))["operations"][-1]["hinted"] is False


@pytest.mark.parametrize("source", ["inline", "replay", "webhook"])
async def test_only_a_read_takes_back_by_a_plain_no(world: World, source: str) -> None:
    payment_id = await world.paid()
    begun = await world.operation("refund", payment_id, amount=1000)
    await world.apply(begun["dispatch"], approved(1000))
    answer = await world.apply(begun["dispatch"], declined(), source=source)
    assert (answer["result"], answer["operation"]["status"]) == ("stale", "approved")
    answer = await world.apply(begun["dispatch"], declined(), source="read")
    assert (answer["result"], answer["operation"]["status"]) == ("applied", "reversed")


async def test_a_capture_that_fails_under_a_refund_is_a_persons(world: World) -> None:
    payment_id = await world.paid(captured=False)
    capture = await done(world, "capture", payment_id)
    await done(world, "refund", payment_id, 1000)
    booked = await world.balances(payment_id)
    await tell(world, capture, REVERSED)
    answer = await apply_told(world, capture)
    assert (answer["operation"]["status"], answer["payment"]["review_reason"]) == ("approved", "provider_contradicts")
    assert await world.balances(payment_id) == booked
    assert (await world.plan(payment_id))["operations"][1]["told"] is False


async def test_a_capture_that_was_only_accepted_tells_the_merchant_that_it_failed(world: World) -> None:
    payment_id = await world.paid(captured=False)
    begun = await world.operation("capture", payment_id)
    await world.apply(begun["dispatch"], PENDING)
    await tell(world, begun["dispatch"]["operation_id"], declined())
    await apply_told(world, begun["dispatch"]["operation_id"])
    assert (await world.events(payment_id))[-1] == "payment.capture_failed"
    again = await world.operation("capture", payment_id)
    await world.apply(again["dispatch"], declined())  # said in the answer: no event
    assert (await world.events(payment_id)).count("payment.capture_failed") == 1


@pytest.mark.parametrize("unknown", ["capture", "cancel"])
async def test_what_waits_for_an_unknown_is_refused(world: World, unknown: str) -> None:
    payment_id = await world.paid(captured=False)
    begun = await world.operation(unknown, payment_id)
    await world.apply(begun["dispatch"], UNKNOWN)
    for kind in ("capture", "cancel", "refund"):
        with pytest.raises(Conflict) as refused:
            await world.operation(kind, payment_id)
        assert refused.value.code == "operation_in_progress"


async def test_what_a_provider_does_not_offer_is_refused_before_it_is_sent(world: World) -> None:
    only = {"stripe": ["capture", "partial_capture"]}
    payment_id = await world.paid(captured=False)
    with pytest.raises(Exception, match="takes one capture") as refused:
        await world.operation("capture", payment_id, amount=1000, final=False, offers=only)
    assert getattr(refused.value, "code", "") == "not_offered_by_provider"
    with pytest.raises(Exception, match="the whole authorization or nothing"):
        await world.operation("capture", payment_id, amount=1000, offers={"stripe": ["capture"]})
    begun = await world.operation("capture", payment_id, amount=1000, offers=only)
    await world.apply(begun["dispatch"], approved(1000))
    assert (await world.payment(payment_id))["status"] == "captured"
