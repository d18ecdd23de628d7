"""Dummypay's disputes: what may follow what, and where the money is then."""

from collections.abc import AsyncIterator

import pytest

from simulators.dummypay.disputes import FOLLOWS
from simulators.kit.testing import Refused, running
from tests.simulators.dummypay.client import Shop, shop_at

pytestmark = pytest.mark.asyncio


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with running("dummypay") as sims, shop_at(await sims.account("dummypay", seed=1)) as client:
        yield client


async def settle(shop: Shop, identifier: str, action: str) -> None:
    await shop.account.control("POST", "/settle", {"object": identifier, "action": action})


async def disputed(shop: Shop, *statuses: str) -> tuple[str, str]:
    """Charge and dispute, which went through these statuses."""
    charge = (await shop.charge()).body["id"]
    for status in statuses:
        await settle(shop, charge, f"dispute_{status}")
    [dispute] = (await shop.call("GET", f"/v1/disputes?charge={charge}")).body["data"]
    return charge, dispute["id"]


async def test_a_dispute_is_shown_as_the_readme_says(shop: Shop) -> None:
    charge, identifier = await disputed(shop, "needs_response")
    dispute = (await shop.call("GET", f"/v1/disputes/{identifier}")).body
    assert dispute == {
        "id": identifier,
        "object": "dispute",
        "status": "needs_response",
        "charge": charge,
        "amount": 4200,
        "currency": "EUR",
        "reason": "fraud",
        "network_code": "10.4",
        "moves": 1,
        "respond_by": dispute["respond_by"],
        "evidence": None,
        "reference": "att_1",
        "payment": "pay_1",
        "created": dispute["created"],
        "updated": dispute["updated"],
    }
    entry = (await shop.account.journal())[-1]
    assert (entry["object"], entry["parent"], entry["reference"], entry["payment"]) == (
        identifier,
        charge,
        None,
        "pay_1",
    )


@pytest.mark.parametrize(
    ("statuses", "kinds"),
    [
        (("inquiry", "closed"), []),
        (("inquiry", "needs_response", "closed"), ["chargeback", "chargeback_reversed"]),
        (("needs_response", "under_review", "lost", "won"), ["chargeback", "chargeback_reversed"]),
        (
            ("needs_response", "won", "pre_arbitration", "accepted"),
            ["chargeback", "chargeback_reversed", "chargeback"],
        ),
        (("needs_response", "lost", "pre_arbitration", "lost"), ["chargeback"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
async def test_where_the_money_goes(shop: Shop, statuses: tuple[str, ...], kinds: list[str]) -> None:
    _, identifier = await disputed(shop, *statuses)
    assert [kind for kind, _ in await shop.moved()] == ["charge", *kinds]
    assert (await shop.call("GET", f"/v1/disputes/{identifier}")).body["moves"] == len(kinds)


async def test_only_what_may_follow(shop: Shop) -> None:
    charge, identifier = await disputed(shop, "inquiry")
    for status, before in FOLLOWS.items():
        if "inquiry" not in before:
            with pytest.raises(Refused, match="cannot follow"):
                await settle(shop, charge, f"dispute_{status}")
    await settle(shop, identifier, "dispute_closed")
    with pytest.raises(Refused, match="no charge"):
        await settle(shop, "ch_none", "dispute_needs_response")


async def test_the_merchant_answers(shop: Shop) -> None:
    _, identifier = await disputed(shop, "needs_response")
    path = f"/v1/disputes/{identifier}"
    assert (await shop.call("POST", f"{path}/evidence", {})).body["error"]["param"] == "text"
    sent = await shop.call("POST", f"{path}/evidence", {"text": "Delivered on the third."})
    assert (sent.body["status"], sent.body["evidence"]) == ("under_review", "Delivered on the third.")
    for verb in ("accept", "evidence"):
        refused = await shop.call("POST", f"{path}/{verb}", {"text": "once more"})
        assert (refused.status, refused.body["error"]["type"]) == (409, "wrong_state")
    for first, last, moves in (("inquiry", "closed", 0), ("needs_response", "accepted", 1)):
        _, other = await disputed(shop, first)
        assert (await shop.call("POST", f"/v1/disputes/{other}/evidence", {"text": "Look."})).status == 200
        if first == "needs_response":
            _, other = await disputed(shop, first)
        accepted = (await shop.call("POST", f"/v1/disputes/{other}/accept", {})).body
        assert (accepted["status"], accepted["moves"]) == (last, moves)
    assert (await shop.call("GET", "/v1/disputes/dp_none")).status == 404
