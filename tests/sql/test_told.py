"""Webhooks whose content is the truth: kept until applied, deferred by leases, ranked by what may still change."""

from typing import Any

import pytest

from gateway.domain.ids import new_id
from tests.sql.world import UNKNOWN, World, approved, at, declined

PENDING = {"kind": "pending", "provider_reference": "psp_1"}


async def tell(world: World, operation_id: str | None, outcome: dict[str, Any] | None, **fields: Any) -> Any:
    """One notification about an operation."""
    fact = {"event_id": new_id("x"), "event_type": "CAPTURE", "operation_id": operation_id, "outcome": outcome}
    return await world.call(
        "webhook_receive_v1",
        account_id=world.accounts["stripe"],
        facts=[{"provider_reference": "psp_1"} | fact | fields],
        at=at(5),
        order_id=new_id("ord"),
    )


async def apply_told(world: World, operation_id: str) -> Any:
    """What the resolver does."""
    dispatch = (await world.claim(operation_id))["dispatch"]
    told = dispatch["told"]
    return await world.apply(dispatch, told, source="webhook", told=told)


async def state(world: World, payment_id: str, index: int = -1) -> tuple[str, bool, bool]:
    operation = (await world.plan(payment_id))["operations"][index]
    return operation["status"], operation["told"], operation["hinted"]


async def accepted(world: World, kind: str = "capture", amount: int = 4200) -> tuple[str, str]:
    """Payment and operation id of a capture or refund that the PSP has received."""
    payment_id = await world.paid(captured=kind == "refund")
    begun = await world.operation(kind, payment_id, amount=amount)
    await world.apply(begun["dispatch"], PENDING)
    await world.orders()
    return payment_id, begun["dispatch"]["operation_id"]


async def test_a_told_outcome_is_kept_ordered_and_applied_once(world: World) -> None:
    payment_id, operation_id = await accepted(world)
    told = approved(reference="psp_1")
    assert (await tell(world, operation_id, told))["stored"] == 1
    assert await state(world, payment_id) == ("pending", True, True)
    assert await world.orders() == [payment_id]
    done = await apply_told(world, operation_id)
    assert (done["result"], done["payment"]["status"], done["operation"]["outcomes"]) == (
        "applied",
        "captured",
        ["pending", "approved"],
    )
    assert await state(world, payment_id) == ("approved", False, False)
    # The PSP repeats itself under another event id: nothing is left to learn.
    await world.orders()
    await tell(world, operation_id, told)
    assert await state(world, payment_id) == ("approved", False, False)
    assert await world.orders() == []


async def test_a_webhook_before_the_answer_waits_for_the_sender(world: World) -> None:
    payment_id = await world.paid(captured=False)
    dispatch = (await world.operation("capture", payment_id))["dispatch"]
    await tell(world, dispatch["operation_id"], approved(reference="psp_1"))
    assert await world.orders() == []  # its lease lives
    pending = await world.apply(dispatch, PENDING)
    assert pending["workflow"] is True
    assert await state(world, payment_id) == ("pending", True, True)
    assert await world.orders() == [payment_id]
    assert (await apply_told(world, dispatch["operation_id"]))["payment"]["status"] == "captured"


async def test_an_answer_that_says_the_same_leaves_nothing_to_apply(world: World) -> None:
    begun = await world.begin()
    await tell(world, begun["dispatch"]["operation_id"], declined())
    applied = await world.apply(begun["dispatch"], declined())
    assert (applied["payment"]["status"], applied["workflow"]) == ("declined", False)
    assert await state(world, begun["payment"]["id"]) == ("declined", False, False)
    assert await world.orders() == []


async def test_what_is_told_during_a_look_is_not_lost(world: World) -> None:
    payment_id, operation_id = await accepted(world)
    await tell(world, operation_id, {"kind": "pending", "provider_reference": "psp_2"})
    assert await state(world, payment_id) == ("pending", False, False)  # no news
    await tell(world, operation_id, declined())
    dispatch = (await world.claim(operation_id))["dispatch"]
    await tell(world, operation_id, approved(reference="psp_1"))
    done = await world.apply(dispatch, dispatch["told"], source="webhook", told=dispatch["told"])
    assert done["operation"]["status"] == "declined"
    assert await state(world, payment_id) == ("declined", True, True)
    assert await world.orders() == [payment_id]
    late = await apply_told(world, operation_id)
    assert (late["operation"]["status"], late["payment"]["status"]) == ("approved", "captured")


async def test_an_approval_told_after_a_decline_is_late_evidence(world: World) -> None:
    begun = await world.begin()
    payment_id, first = begun["payment"]["id"], begun["dispatch"]["operation_id"]
    await world.apply(begun["dispatch"], UNKNOWN)
    await tell(world, first, declined())
    dispatch = (await world.claim(first))["dispatch"]
    await world.apply(dispatch, dispatch["told"], source="webhook", told=dispatch["told"], cascade=True)
    second = await world.attempt(payment_id)
    await world.apply(second["dispatch"], approved())
    await world.orders()
    await tell(world, first, approved(reference="psp_1"))
    assert await world.orders() == [payment_id]
    late = await apply_told(world, first)
    assert (late["result"], late["payment"]["status"], late["operation"]["surplus"]) == ("surplus", "captured", True)
    assert "payment.duplicate_approval" in await world.events(payment_id)


@pytest.mark.parametrize("kind", ["capture", "refund"])
async def test_a_confirmation_taken_back_is_alerted_and_stays_booked(world: World, kind: str) -> None:
    payment_id, operation_id = await accepted(world, kind)
    await tell(world, operation_id, approved(reference="psp_1"))
    await apply_told(world, operation_id)
    booked = await world.balances(payment_id)
    await tell(world, operation_id, declined())
    payment = await world.payment(payment_id)
    assert (payment["status"], payment["review_reason"]) == ("captured", "provider_contradicts")
    assert (await world.events(payment_id))[-1] == "payment.needs_review"
    assert await world.balances(payment_id) == booked
    assert await state(world, payment_id) == ("approved", False, False)


async def test_a_failure_that_overtook_its_confirmation_is_alerted_too(world: World) -> None:
    payment_id, operation_id = await accepted(world)
    await tell(world, operation_id, declined())
    await tell(world, operation_id, approved(reference="psp_1"))
    assert (await world.payment(payment_id))["review_reason"] == "provider_contradicts"


async def test_what_matches_nothing_yet_is_told_when_its_reference_is_learned(world: World) -> None:
    payment_id = await world.paid(captured=False)
    dispatch = (await world.operation("capture", payment_id))["dispatch"]
    received = await tell(world, None, approved(reference="psp_1"))
    assert (received["stored"], received["payments"]) == (1, [])
    await world.apply(dispatch, PENDING)
    assert await state(world, payment_id) == ("pending", True, True)
    assert await world.orders() == [payment_id]
    assert (await apply_told(world, dispatch["operation_id"]))["payment"]["status"] == "captured"


async def test_another_amount_than_asked_is_a_persons(world: World) -> None:
    _, operation_id = await accepted(world)
    await tell(world, operation_id, approved(9900, reference="psp_1"))
    done = await apply_told(world, operation_id)
    assert (done["operation"]["status"], done["payment"]["review_reason"]) == ("review", "amount_mismatch")
