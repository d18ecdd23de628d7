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
