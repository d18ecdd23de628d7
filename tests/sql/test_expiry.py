"""Authorizations that run out, and re-authorizations that take their place."""

from typing import Any

import pytest

from gateway.domain.errors import Conflict, Refused
from gateway.domain.ids import new_id
from tests.sql.world import LEASE, UNKNOWN, World, approved, at, declined

HOLD = {"valid_s": 100, "grace_s": 50}
EXPIRED = {"kind": "expired", "provider_reference": "psp_1"}
STRIPE = "psp:stripe:receivable"


async def held(world: World, amount: int = 4200) -> tuple[str, str]:
    """Payment and operation id of an authorization that runs out 100 seconds after noon."""
    begun = await world.begin(amount, capture_method="manual")
    await world.apply(begun["dispatch"], approved(amount, captured=False, reference="psp_1"), hold=HOLD)
    return begun["payment"]["id"], begun["dispatch"]["operation_id"]


async def captured(world: World, payment_id: str, amount: int, *, final: bool = False, seconds: float = 10) -> None:
    begun = await world.operation("capture", payment_id, amount=amount, final=final, at=at(seconds))
    await world.apply(begun["dispatch"], approved(amount))


async def expire(world: World, payment_id: str, seconds: float) -> Any:
    return await world.call(
        "authorization_expire_v1",
        payment_id=payment_id,
        at=at(seconds),
        event_ids=[new_id("evt")],
        order_id=new_id("ord"),
    )


async def reauthorize(world: World, payment_id: str, seconds: float = 90, **fields: Any) -> Any:
    p = {"payment_id": payment_id, "operation_id": new_id("att"), "event_id": new_id("evt"), "at": at(seconds), **LEASE}
    return await world.call("reauthorize_begin_v1", **(p | fields))


async def told(world: World, operation_id: str, outcome: dict[str, Any] = EXPIRED) -> Any:
    """The PSP's own notice, and the resolver's turn."""
    fact = {"event_id": new_id("x"), "event_type": "EXPIRE", "operation_id": operation_id, "provider_reference": None}
    await world.call(
        "webhook_receive_v1",
        account_id=world.accounts["stripe"],
        facts=[fact | {"outcome": outcome}],
        at=at(100),
        order_id=new_id("ord"),
    )
    dispatch = (await world.claim(operation_id))["dispatch"]
    return await world.apply(dispatch, dispatch["told"], source="webhook", told=dispatch["told"])


async def test_the_view_says_until_when_money_is_held(world: World) -> None:
    payment_id, _ = await held(world)
    assert (await world.payment(payment_id))["authorization_expires_at"] == "2026-11-22T12:01:40.000Z"
    await captured(world, payment_id, 4200, final=True)
    assert (await world.payment(payment_id))["authorization_expires_at"] is None


async def test_a_capture_past_the_expiry_is_refused(world: World) -> None:
    payment_id, _ = await held(world)
    with pytest.raises(Conflict, match="re-authorize") as refused:
        await world.operation("capture", payment_id, at=at(100))
    assert refused.value.code == "authorization_expired"
    await world.operation("capture", payment_id, at=at(99))


@pytest.mark.parametrize("part", [0, 1000])
@pytest.mark.parametrize("by", ["notice", "sweep"])
async def test_what_ran_out_is_released(world: World, part: int, by: str) -> None:
    payment_id, operation_id = await held(world)
    if part:
        await captured(world, payment_id, part)
    await world.orders()
    if by == "notice":
        await told(world, operation_id)
    else:
        assert (await expire(world, payment_id, 149))["result"] == "refused"
        swept = await world.database.system("expiry_sweep_v1", {"limit": 100, "at": at(150)})
        assert swept["ordered"] >= 1
        assert await world.orders() == [payment_id]
        again = await world.database.system("expiry_sweep_v1", {"limit": 100, "at": at(150)})
        assert (again["ordered"], await world.orders()) == (0, [])
        assert (await expire(world, payment_id, 150))["result"] == "applied"
    payment = await world.payment(payment_id)
    if part:
        assert (payment["status"], payment["amount_captured"], payment["cancellation_reason"]) == (
            "captured",
            1000,
            None,
        )
        assert (await world.events(payment_id))[-1] == "payment.captured"
    else:
        assert (payment["status"], payment["cancellation_reason"]) == ("canceled", "authorization_expired")
        assert (await world.events(payment_id))[-1] == "payment.canceled"
    assert payment["authorization_expires_at"] is None
    assert (await expire(world, payment_id, 200))["result"] == "refused"


async def test_a_merchants_cancel_says_so(world: World) -> None:
    payment_id, _ = await held(world)
    begun = await world.operation("cancel", payment_id)
    await world.apply(begun["dispatch"], approved(captured=False))
    assert (await world.payment(payment_id))["cancellation_reason"] == "requested_by_merchant"


@pytest.mark.parametrize("found", ["approved", "declined"])
async def test_an_unknown_capture_is_resolved_before_the_expiry(world: World, found: str) -> None:
    payment_id, operation_id = await held(world)
    begun = await world.operation("capture", payment_id, at=at(99))
    await world.apply(begun["dispatch"], UNKNOWN)
    waiting = await told(world, operation_id)
    assert (waiting["result"], waiting["payment"]["status"]) == ("stale", "authorized")
    assert (await world.plan(payment_id))["operations"][0]["told"] is True
    assert (await expire(world, payment_id, 500))["result"] == "refused"
    capture = (await world.claim(begun["dispatch"]["operation_id"]))["dispatch"]
    await world.apply(capture, approved() if found == "approved" else declined(), source="read")
    again = (await world.claim(operation_id))["dispatch"]
    answer = await world.apply(again, again["told"], source="webhook", told=again["told"])
    assert answer["payment"]["status"] == ("captured" if found == "approved" else "canceled")
    assert (await world.plan(payment_id))["operations"][0]["hinted"] is False


async def test_an_authorization_that_nobody_knew_of_and_that_ran_out_is_a_refusal(world: World) -> None:
    begun = await world.begin(capture_method="manual")
    await world.apply(begun["dispatch"], UNKNOWN)
    dispatch = (await world.claim(begun["dispatch"]["operation_id"]))["dispatch"]
    answer = await world.apply(dispatch, EXPIRED, source="read")
    assert (answer["operation"]["status"], answer["payment"]["status"]) == ("declined", "declined")
    assert answer["payment"]["decline"]["provider_code"] == "authorization_expired"


async def test_a_reauthorization_takes_the_place_of_the_one_that_stands(world: World) -> None:
    payment_id, old = await held(world)
    begun = await reauthorize(world, payment_id)
    dispatch = begun["dispatch"]
    assert (dispatch["kind"], dispatch["capture"], dispatch["amount"]) == ("authorize", False, 4200)
    assert (dispatch["merchant_initiated"], dispatch["card"]["cvv_ciphertext"]) == (True, None)
    with pytest.raises(Conflict, match="re-authorization"):
        await world.operation("capture", payment_id)
    answer = await world.apply(dispatch, approved(captured=False, reference="psp_2"), hold=HOLD)
    assert (answer["payment"]["status"], answer["workflow"]) == ("authorized", True)
    assert answer["payment"]["authorization_expires_at"] == "2026-11-22T12:03:10.000Z"
    assert (await world.events(payment_id))[-1] == "payment.reauthorized"
    reversal = await world.reverse(old)
    assert (reversal["result"], reversal["dispatch"]["parent_reference"]) == ("begun", "psp_1")
    await world.apply(reversal["dispatch"], approved(captured=False))
    listed = (await world.call("payment_operations_v1", payment_id=payment_id))["data"]
    assert [(o["kind"], o["status"], o["superseded_by"]) for o in listed] == [
        ("authorize", "reversed", dispatch["operation_id"]),
        ("authorize", "approved", None),
        ("void", "approved", None),
    ]
    assert (await world.events(payment_id))[-1] == "payment.reauthorized"
    await captured(world, payment_id, 4200, final=True)
    capture = (await world.call("payment_operations_v1", payment_id=payment_id))["data"][-1]
    assert (capture["kind"], (await world.payment(payment_id))["status"]) == ("capture", "captured")


async def test_a_declined_reauthorization_leaves_the_old_one(world: World) -> None:
    payment_id, _ = await held(world)
    begun = await reauthorize(world, payment_id)
    answer = await world.apply(begun["dispatch"], declined(), cascade=True)
    assert (answer["payment"]["status"], answer["payment"]["decline"]["reason"]) == ("authorized", "issuer_unavailable")
    assert answer["payment"]["authorization_expires_at"] == "2026-11-22T12:01:40.000Z"
    assert (await world.plan(payment_id))["next"] is None
    assert await world.events(payment_id) == ["payment.created", "payment.authorized"]
    await captured(world, payment_id, 4200, final=True)


async def test_a_part_captured_before_stays_and_is_refunded_where_it_was_taken(world: World) -> None:
    payment_id, _ = await held(world)
    await captured(world, payment_id, 1200)
    begun = await reauthorize(world, payment_id)
    assert begun["dispatch"]["amount"] == 3000
    answer = await world.apply(begun["dispatch"], approved(3000, captured=False, reference="psp_2"), hold=HOLD)
    assert (answer["payment"]["status"], answer["workflow"]) == ("partially_captured", False)
    assert (answer["payment"]["amount_authorized"], answer["payment"]["amount_captured"]) == (4200, 1200)
    await captured(world, payment_id, 3000, final=True, seconds=120)
    with pytest.raises(Refused) as refused:
        await world.operation("refund", payment_id, amount=3001)
    assert refused.value.code == "refund_spans_authorizations"
    parents = []
    for amount in (2000, 1200, 1000):
        refund = await world.operation("refund", payment_id, amount=amount)
        parents.append(refund["dispatch"]["parent_reference"])
        await world.apply(refund["dispatch"], approved(amount))
    assert parents == ["psp_2", "psp_1", "psp_2"]
    assert await world.balances(payment_id) == {}


async def test_an_approval_after_the_payment_ended_is_surplus(world: World) -> None:
    payment_id, old = await held(world)
    begun = await reauthorize(world, payment_id)
    await world.apply(begun["dispatch"], UNKNOWN)
    late = (await world.claim(begun["dispatch"]["operation_id"]))["dispatch"]
    await world.apply(late, {"kind": "absent"}, source="read")
    await told(world, old)
    answer = await world.apply(late, approved(captured=False, reference="psp_2"), source="read")
    assert (answer["result"], answer["operation"]["surplus"]) == ("surplus", True)
    assert answer["payment"]["status"] == "canceled"
    assert "payment.duplicate_approval" in await world.events(payment_id)


async def test_one_that_ran_out_needs_no_taking_back(world: World) -> None:
    payment_id, old = await held(world)
    begun = await reauthorize(world, payment_id)
    await world.apply(begun["dispatch"], approved(captured=False, reference="psp_2"), hold=HOLD)
    reversal = await world.reverse(old)
    await world.apply(reversal["dispatch"], declined())
    operations = (await world.plan(payment_id))["operations"]
    assert (operations[0]["surplus"], (await world.payment(payment_id))["review_reason"]) == (False, None)
    assert (await world.payment(payment_id))["status"] == "authorized"


async def test_what_is_refused(world: World) -> None:
    payment_id, _ = await held(world)
    with pytest.raises(Refused) as too_much:
        await reauthorize(world, payment_id, amount=4201)
    with pytest.raises(Refused) as not_offered:
        await reauthorize(world, payment_id, offers={"stripe": ["authorize"]})
    assert (too_much.value.code, not_offered.value.code) == ("amount_exceeds_payment", "not_offered_by_provider")
    ended = await world.paid()
    with pytest.raises(Conflict) as wrong:
        await reauthorize(world, ended)
    assert wrong.value.code == "payment_not_reauthorizable"
    await world.operation("capture", payment_id)
    with pytest.raises(Conflict) as busy:
        await reauthorize(world, payment_id)
    assert busy.value.code == "operation_in_progress"
