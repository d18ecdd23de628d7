"""Approvals that must not stand, and cancels: whatever happens, one charge at most is left in the ledger."""

from typing import Any

import pytest

from gateway.domain.errors import Conflict
from gateway.domain.ids import new_id
from tests.sql.world import EXPIRED, UNKNOWN, World, approved, at, declined

RECEIVABLE = {"psp:dummypay:receivable": 4200, "merchant:payable": -4200}


async def second_won(world: World) -> tuple[Any, Any]:
    """A looked absent, B was asked and won. Returns A's and B's dispatch."""
    first = await world.begin()
    await world.apply(first["dispatch"], UNKNOWN)
    claimed = await world.claim(first["dispatch"]["operation_id"])
    await world.apply(claimed["dispatch"], {"kind": "absent"}, source="read", cascade=True, at=at(2))
    second = await world.attempt(first["payment"]["id"])
    won = await world.apply(second["dispatch"], approved())
    assert (won["payment"]["status"], won["payment"]["provider"]) == ("captured", "dummypay")
    return first["dispatch"], second["dispatch"]


async def test_a_late_approval_is_surplus_and_nets_to_one_charge(world: World) -> None:
    first, _ = await second_won(world)
    await world.orders()
    payment_id = first["payment_id"]
    late = await world.apply(first, approved(), source="webhook")
    assert (late["result"], late["payment"]["status"], late["workflow"]) == ("surplus", "captured", True)
    assert (late["operation"]["status"], late["operation"]["surplus"]) == ("approved", True)
    assert await world.orders() == [payment_id]
    assert await world.balances(payment_id) == {
        **RECEIVABLE, "psp:stripe:receivable": 4200, "suspense:duplicate": -4200,
    }  # fmt: skip
    assert (await world.apply(first, approved(), source="webhook"))["result"] == "already"
    reversal = await world.reverse(first["operation_id"])
    assert (reversal["dispatch"]["kind"], reversal["dispatch"]["amount"]) == ("refund", 4200)
    assert reversal["dispatch"]["parent_reference"] == late["operation"]["provider_reference"]
    assert (await world.reverse(first["operation_id"]))["why"] == "operation_in_progress"
    done = await world.apply(reversal["dispatch"], approved())
    assert done["payment"]["status"] == "captured"
    assert await world.balances(payment_id) == RECEIVABLE
    assert await world.events(payment_id) == [
        "payment.created", "payment.captured", "payment.duplicate_approval", "payment.duplicate_reversed",
    ]  # fmt: skip
    assert (await world.reverse(first["operation_id"]))["why"] == "already_reversed"
    operations = {o["id"]: o for o in (await world.plan(payment_id))["operations"]}
    assert operations[first["operation_id"]]["status"] == "reversed"
    assert operations[first["operation_id"]]["reversed_by"] == reversal["dispatch"]["operation_id"]
    assert (await world.call("refund_list_v1", payment_id=payment_id))["data"] == []


async def test_an_uncaptured_surplus_is_voided(world: World) -> None:
    first, _ = await second_won(world)
    await world.apply(first, approved(captured=False), source="webhook")
    reversal = await world.reverse(first["operation_id"])
    assert reversal["dispatch"]["kind"] == "void"
    await world.apply(reversal["dispatch"], {"kind": "approved", "provider_reference": "v1", "captured": False})
    assert await world.balances(first["payment_id"]) == RECEIVABLE


async def test_a_reversal_without_effect_may_be_begun_again_and_a_refused_one_is_a_persons(world: World) -> None:
    first, second = await second_won(world)
    assert (await world.reverse(second["operation_id"]))["why"] == "not_surplus"
    await world.apply(first, approved(), source="webhook")
    reversal = await world.reverse(first["operation_id"])
    await world.apply(reversal["dispatch"], {"kind": "not_sent", "cause": "refused"})
    plan = await world.plan(first["payment_id"])
    assert next(o for o in plan["operations"] if o["id"] == first["operation_id"])["reversed_by"] is None
    again = await world.reverse(first["operation_id"])
    refused = await world.apply(again["dispatch"], declined("not_permitted"))
    assert (refused["payment"]["status"], refused["payment"]["review_reason"]) == ("captured", "reversal_declined")
    assert (await world.events(first["payment_id"]))[-1] == "payment.needs_review"


async def test_an_approval_after_the_end_is_surplus(world: World) -> None:
    begun = await world.begin()
    await world.apply(begun["dispatch"], declined("stolen_card"))
    late = await world.apply(begun["dispatch"], approved(), source="read")
    assert (late["result"], late["payment"]["status"]) == ("surplus", "declined")
    reversal = await world.reverse(begun["dispatch"]["operation_id"])
    await world.apply(reversal["dispatch"], approved())
    assert await world.balances(begun["payment"]["id"]) == {}


async def test_the_first_approval_wins_while_another_attempt_is_live(world: World) -> None:
    first = await world.begin()
    await world.apply(first["dispatch"], {"kind": "not_sent", "cause": "fenced"}, cascade=True)
    second = await world.attempt(first["payment"]["id"])
    won = await world.apply(first["dispatch"], approved(), source="webhook")
    assert (won["result"], won["payment"]["provider"]) == ("applied", "stripe")
    late = await world.apply(second["dispatch"], approved())
    assert late["result"] == "surplus"


async def test_cancel_of_an_authorization(world: World) -> None:
    payment_id = await world.paid(captured=False)
    key = {"scope": f"POST /v1/payments/{payment_id}/cancel", "key": "c1", "fingerprint": "f"}
    begun = await world.operation("cancel", payment_id, idempotency=key, reason="out of stock")
    assert begun["dispatch"]["kind"] == "void"
    assert begun["payment"]["cancel_requested"] is True
    with pytest.raises(Conflict, match="operation_in_progress"):
        await world.operation("cancel", payment_id)
    with pytest.raises(Conflict, match="operation_in_progress"):
        await world.operation("capture", payment_id)
    done = await world.apply(begun["dispatch"], {"kind": "approved", "provider_reference": "v1"})
    assert done["payment"]["status"] == "canceled"
    assert (await world.call("idempotency_get_v1", **key))["body"] == done["payment"]
    assert await world.events(payment_id) == ["payment.created", "payment.authorized", "payment.canceled"]
    with pytest.raises(Conflict, match="payment_not_cancelable"):
        await world.operation("cancel", payment_id)
    with pytest.raises(Conflict, match="payment_not_capturable"):
        await world.operation("capture", payment_id)


async def test_a_refused_cancel_leaves_the_authorization(world: World) -> None:
    payment_id = await world.paid(captured=False)
    begun = await world.operation("cancel", payment_id)
    done = await world.apply(begun["dispatch"], declined())
    assert (done["payment"]["status"], done["payment"]["cancel_requested"]) == ("authorized", False)
    again = await world.operation("cancel", payment_id)
    unknown = await world.apply(again["dispatch"], UNKNOWN)
    assert (unknown["payment"]["status"], unknown["workflow"]) == ("authorized", True)


@pytest.mark.parametrize("captured", [True, False])
async def test_cancel_during_an_unknown_takes_the_late_approval_back(world: World, captured: bool) -> None:
    begun = await world.begin(**EXPIRED)
    payment_id = begun["payment"]["id"]
    await world.apply(begun["dispatch"], UNKNOWN)
    await world.orders()
    key = {"scope": f"POST /v1/payments/{payment_id}/cancel", "key": "c1", "fingerprint": "f"}
    recorded = await world.operation("cancel", payment_id, idempotency=key)
    assert (recorded["result"], recorded["payment"]["status"]) == ("recorded", "processing")
    assert recorded["payment"]["cancel_requested"] is True
    assert await world.orders() == [payment_id]
    assert (await world.plan(payment_id))["cancel_requested"] is True
    assert (await world.call("idempotency_get_v1", **key))["state"] == "open"
    claimed = await world.claim(begun["dispatch"]["operation_id"])
    found = await world.apply(claimed["dispatch"], approved(captured=captured), source="read")
    assert (found["result"], found["payment"]["status"]) == ("surplus", "processing")
    reversal = await world.reverse(begun["dispatch"]["operation_id"])
    assert reversal["dispatch"]["kind"] == ("refund" if captured else "void")
    done = await world.apply(reversal["dispatch"], approved(captured=False))
    assert done["payment"]["status"] == "canceled"
    assert (done["payment"]["amount_authorized"], done["payment"]["amount_captured"]) == (0, 0)
    assert await world.balances(payment_id) == {}
    assert await world.events(payment_id) == ["payment.created", "payment.canceled"]
    assert (await world.call("idempotency_get_v1", **key))["body"] == done["payment"]


async def test_cancel_during_an_unknown_that_was_never_charged(world: World) -> None:
    begun = await world.begin()
    await world.apply(begun["dispatch"], UNKNOWN)
    await world.operation("cancel", begun["payment"]["id"])
    claimed = await world.claim(begun["dispatch"]["operation_id"])
    done = await world.apply(claimed["dispatch"], {"kind": "absent"}, source="read", cascade=True, at=at(20))
    assert done["payment"]["status"] == "canceled"


async def test_cancel_between_two_attempts_is_immediate(world: World) -> None:
    begun = await world.begin()
    await world.apply(begun["dispatch"], {"kind": "not_sent", "cause": "refused"}, cascade=True)
    canceled = await world.operation("cancel", begun["payment"]["id"], event_id=new_id("evt"))
    assert (canceled["result"], canceled["payment"]["status"]) == ("recorded", "canceled")
    assert (await world.attempt(begun["payment"]["id"]))["why"] == "ended"
    assert await world.events(begun["payment"]["id"]) == ["payment.created", "payment.canceled"]


async def test_a_captured_payment_is_refunded_not_canceled(world: World) -> None:
    payment_id = await world.paid()
    with pytest.raises(Conflict, match="payment_not_cancelable"):
        await world.operation("cancel", payment_id)
