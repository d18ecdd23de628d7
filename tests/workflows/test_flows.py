"""What outlives a request, end to end: real database, Temporal and worker; PSPs that lose answers on purpose."""

import pytest

from tests.workflows.world import World

APPROVED = {"stripe": "dummypay", "dummypay": "stripe"}


@pytest.mark.parametrize("first", ["dummypay", "stripe"])
async def test_a_lost_answer_is_resolved_at_the_same_psp_and_nobody_else_is_asked(world: World, first: str) -> None:
    shop = await world.shop(first, APPROVED[first])
    await shop.accounts[first].fault({"operation": "authorize"}, "commit_then_lose_response", times=1)
    answer = await shop.pay(4200)
    assert (answer.status, answer.view["status"]) == (201, "captured")
    assert await shop.attempts(answer.view["id"]) == [(first, "approved", ["unknown", "approved"])]
    assert await shop.journal(first) == [("charge", 4200)]
    assert await shop.journal(APPROVED[first]) == []


@pytest.mark.parametrize("first", ["dummypay", "stripe"])
async def test_a_request_that_never_arrived_is_replayed_while_the_shopper_is_there(world: World, first: str) -> None:
    shop = await world.shop(first, APPROVED[first])
    await shop.accounts[first].fault({"operation": "authorize"}, "reset_before_commit", times=1, per="request")
    answer = await shop.pay(4200)
    assert (answer.status, answer.view["status"], answer.view["provider"]) == (201, "captured", first)
    assert await shop.attempts(answer.view["id"]) == [(first, "approved", ["unknown", "approved"])]
    assert await shop.journal(first) == [("charge", 4200)]


@pytest.mark.parametrize("first", ["dummypay", "stripe"])
async def test_a_refused_connection_falls_back_at_once(world: World, first: str) -> None:
    shop = await world.shop(first, APPROVED[first], door=True)
    await shop.accounts[first].fault({}, "connection_refused")
    answer = await shop.pay(4200)
    assert (answer.status, answer.view["status"]) == (201, "captured")
    assert await shop.attempts(answer.view["id"]) == [
        (first, "not_sent", ["not_sent"]),
        (APPROVED[first], "approved", ["approved"]),
    ]
    assert await shop.journal(APPROVED[first]) == [("charge", 4200)]


@pytest.mark.parametrize("first", ["dummypay", "stripe"])
@pytest.mark.parametrize(
    ("code", "attempts"), [("91", 2), ("96", 2), ("05", 2), ("51", 1), ("41", 1), ("43", 1), ("59", 1), ("54", 1)]
)
async def test_the_cascade_table_decides_whether_a_decline_is_tried_elsewhere(
    world: World, first: str, code: str, attempts: int
) -> None:
    shop = await world.shop(first, APPROVED[first])
    await shop.accounts[first].fault({"operation": "authorize"}, {"action": "decline", "code": code})
    answer = await shop.pay(4200)
    assert answer.status == 201
    assert answer.view["status"] == ("captured" if attempts == 2 else "declined")
    listed = await shop.attempts(answer.view["id"])
    assert [(provider, status) for provider, status, _ in listed] == [
        (first, "declined"),
        (APPROVED[first], "approved"),
    ][:attempts]


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("first", ["dummypay", "stripe"])
async def test_a_server_error_is_unknown_until_it_is_proved(world: World, first: str, commit: bool) -> None:
    shop = await world.shop(first, APPROVED[first])
    fault = {"action": "server_error", "status": 500, "commit": commit}
    await shop.accounts[first].fault({"operation": "authorize"}, fault, times=1)
    answer = await shop.pay(4200)
    assert (answer.status, answer.view["status"]) == (201, "captured")
    charged = first if commit else APPROVED[first]
    journals = {slug: await shop.journal(slug) for slug in (first, APPROVED[first])}
    assert journals == {slug: [("charge", 4200)] if slug == charged else [] for slug in journals}


async def test_a_hanging_psp_is_asked_again_and_charges_once(world: World) -> None:
    shop = await world.shop("stripe", "dummypay")
    lose = {"action": "commit_then_lose_response", "lose": "hang"}
    await shop.accounts["stripe"].fault({"operation": "authorize"}, lose, times=1, per="request")
    answer = await shop.pay(4200)
    assert (answer.status, answer.view["status"]) == (201, "captured")
    assert await shop.attempts(answer.view["id"]) == [("stripe", "approved", ["unknown", "approved"])]


async def test_both_psps_down_fails_the_payment(world: World) -> None:
    shop = await world.shop("stripe", "dummypay", door=True)
    for account in shop.accounts.values():
        await account.fault({}, "connection_refused")
    answer = await shop.pay(4200)
    assert (answer.status, answer.view["status"]) == (201, "failed")
    assert await shop.events(answer.view["id"]) == ["payment.created", "payment.failed"]


async def test_another_amount_than_asked_for_goes_to_review(world: World) -> None:
    shop = await world.shop("dummypay", "stripe")
    wrong = {"action": "wrong_amount", "amount": 4300}
    await shop.accounts["dummypay"].fault({"operation": "authorize"}, wrong)
    answer = await shop.pay(4200)
    payment = await shop.until(answer.view["id"], "needs_review")
    assert payment["review_reason"] == "conflict"
    assert await shop.journal("stripe") == []
