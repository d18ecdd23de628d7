"""Accounts do not see each other, are not implicit, and repeat themselves from a seed."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from simulators.kit.testing import Refused, Sims, TestAccount, running
from tests.simulators.dummypay.client import Shop, receiver, shop_at

pytestmark = pytest.mark.asyncio


@pytest.fixture
async def simulators() -> AsyncIterator[Sims]:
    async with running("dummypay") as sims:
        yield sims


async def one_life(sims: Sims, number: int, session: aiohttp.ClientSession, hook_url: str) -> None:
    """An account with its own fault, clock and amounts, which checks that it finds nothing but its own."""
    account = await sims.account("dummypay", door=number % 5 == 0)
    shop = Shop(account, session)
    await account.control("PUT", "/webhook", {"url": f"{hook_url}?n={number}"})
    await account.fault({"amount": 1000 + number}, {"action": "decline", "code": "05"}, times=1)
    expected: list[tuple[str, int]] = []
    for step in range(4):
        amount = 1000 + (number if step == 1 else 100 + step)
        said = await shop.charge(amount, key="the-same-key-everywhere" if step == 0 else f"k{step}")
        declined = step == 1
        assert said.body["status"] == ("declined" if declined else "captured"), (number, step)
        assert "idempotent-replayed" not in said.headers
        expected.append(("decline" if declined else "charge", amount))
    moved = await account.advance(1000 * number)
    assert moved["offset_s"] == 1000 * number
    assert await shop.moved() == expected
    assert len(await shop.find("att_1")) == 4
    assert len(await account.requests()) == 5
    assert [d["status"] for d in await account.deliveries()] == ["delivered"] * 4
    if number % 2:
        await account.control("POST", "/reset")
        assert await shop.moved() == []
    else:
        assert (await account.control("GET", "/faults"))["faults"][0]["fired"] == 1


async def test_fifty_accounts_in_parallel_do_not_see_each_other(simulators: Sims) -> None:
    async with receiver() as hook, aiohttp.ClientSession() as session:
        await asyncio.gather(*(one_life(simulators, number, session, hook.url) for number in range(50)))
        assert len(hook.got) == 200
        assert len({event.body["id"] for event in hook.got}) == 200


async def test_an_unknown_key_is_refused_as_the_psp_does(simulators: Sims) -> None:
    account = await simulators.account("dummypay")
    for wrong in ({"api_key": "dummypay_test_nobody"}, {"api_key": ""}):
        stranger = TestAccount(simulators, "dummypay", {**account.view, **wrong})
        async with shop_at(stranger) as shop:
            said = await shop.charge()
            assert (said.status, said.body["error"]["type"]) == (401, "authentication_failed")
    assert await account.requests() == []


async def test_objects_of_another_account_are_as_absent_as_those_that_never_were(simulators: Sims) -> None:
    mine, yours = await simulators.account("dummypay"), await simulators.account("dummypay")
    async with shop_at(mine) as shop, shop_at(yours) as other:
        charge = (await shop.charge()).body
        absent = await other.call("GET", "/v1/charges/ch_doesnotexist")
        foreign = await other.call("GET", f"/v1/charges/{charge['id']}")
        assert (foreign.status, foreign.raw) == (absent.status, absent.raw)
        assert await other.find("att_1") == []


async def test_a_deleted_account_is_unknown(simulators: Sims) -> None:
    account = await simulators.account("dummypay", door=True)
    await account.control("DELETE", "")
    with pytest.raises(Refused) as refused:
        await account.control("GET", "")
    assert refused.value.status == 404
    account.view["url"] = simulators.urls["dummypay"]
    async with shop_at(account) as shop:
        assert (await shop.charge()).status == 401


async def test_a_seed_repeats_ids_and_chance(simulators: Sims) -> None:
    async def life() -> list[str]:
        account = await simulators.account("dummypay", seed=42)
        await account.fault({}, "rate_limit", probability=0.5, seed=3)
        async with shop_at(account) as shop:
            said = [(await shop.charge()).body for _ in range(12)]
        await account.control("DELETE", "")
        return [body.get("id", "limited") for body in said]

    first, second = await life(), await life()
    assert first == second
    assert 0 < first.count("limited") < 12


async def test_the_same_api_key_is_the_same_account(simulators: Sims) -> None:
    first = await simulators.account("dummypay", api_key="dummypay_test_mine", webhook_secret="s1")
    again = await simulators.account("dummypay", api_key="dummypay_test_mine")
    assert again.view == first.view
    with pytest.raises(Refused, match="has other secrets"):
        await simulators.account("dummypay", api_key="dummypay_test_mine", webhook_secret="s2")


async def test_an_account_shows_what_a_client_needs_besides_keys(simulators: Sims) -> None:
    wanted = {"api_key": "dummypay_test_chosen", "settings": {"merchant_account": "Shop"}}
    account = await simulators.account("dummypay", **wanted)
    assert (await account.control("GET"))["settings"] == {"merchant_account": "Shop"}
    assert (await simulators.account("dummypay", **wanted)).view == account.view
    with pytest.raises(Refused, match="has other settings"):
        await simulators.account("dummypay", **{**wanted, "settings": {"merchant_account": "Other"}})
    for settings in ("Shop", {"merchant_account": 1}, {"merchant_account": ""}):
        with pytest.raises(Refused, match="settings is an object of strings"):
            await simulators.account("dummypay", settings=settings)


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ({}, "then: what shall happen"),
        ({"then": "explode"}, "unknown action 'explode'; known: commit_late"),
        ({"then": "latency"}, "latency takes seconds, or min and max"),
        ({"then": {"action": "latency", "min": 2, "max": 1}}, "latency.min is above"),
        ({"then": {"action": "decline"}}, "decline needs code"),
        ({"then": {"action": "commit_then_lose_response", "lose": "eat"}}, "must be one of reset, hang"),
        ({"then": {"action": "rate_limit", "times": 3}}, "rate_limit does not take times"),
        ({"then": ["rate_limit", "truncated_body"]}, "cannot both happen"),
        ({"when": {"amount": "4200"}, "then": "rate_limit"}, "amount is an integer"),
        ({"when": {"operation": "pay"}, "then": "rate_limit"}, "unknown operation 'pay'"),
        ({"when": {"colour": 1}, "then": "rate_limit"}, "unknown condition colour"),
        ({"then": "rate_limit", "times": 0}, "times: an integer of at least 1"),
        ({"then": "rate_limit", "probability": 2}, "probability: a number from 0 to 1"),
        ({"then": "rate_limit", "per": "day"}, "per: key or request"),
        ({"then": "rate_limit", "sometimes": True}, "unknown field sometimes"),
    ],
)
async def test_a_rule_that_cannot_be_meant_is_refused(simulators: Sims, rule: object, wrong: str) -> None:
    account = await simulators.account("dummypay")
    with pytest.raises(Refused, match=wrong) as refused:
        await account.control("POST", "/faults", rule)
    assert refused.value.status == 422
    assert (await account.control("GET", "/faults"))["faults"] == []


async def test_the_control_plane_says_what_is_wrong(simulators: Sims) -> None:
    account = await simulators.account("dummypay")
    for method, path, body, status, said in (
        ("POST", "/clock", {"advance_s": -1}, 422, "only goes forward"),
        ("POST", "/clock", {}, 422, "either advance_s"),
        ("POST", "/clock", {"now": "yesterday"}, 422, "ISO 8601"),
        ("PUT", "/webhook", {"url": "ftp://x"}, 422, "http or https"),
        ("POST", "/settle", {"object": "ch_1"}, 409, "waits for nothing"),
        ("POST", "/settle", {"object": "ch_1", "action": "fly"}, 422, "one of settle"),
        ("PUT", "/lifecycle", {"refund": "soon"}, 422, "immediate, manual"),
        ("DELETE", "/faults/fault_0", None, 404, "no fault"),
    ):
        with pytest.raises(Refused, match=said) as refused:
            await account.control(method, path, body)
        assert refused.value.status == status, path
    with pytest.raises(Refused, match="no simulator 'nopay'; there are: dummypay"):
        await simulators.control("POST", "/v1/nopay/accounts", {})
    with pytest.raises(Refused, match="unknown field colour"):
        await simulators.account("dummypay", colour="red")


async def test_the_clock_moves_to_a_given_moment(simulators: Sims) -> None:
    account = await simulators.account("dummypay")
    await account.control("POST", "/clock", {"now": "2031-05-06T07:08:09Z"})
    assert (await account.control("GET", "/clock"))["now"].startswith("2031-05-06T07:08:")
    async with shop_at(account) as shop:
        assert (await shop.charge()).body["created"] == pytest.approx(1_935_817_689, abs=60)
    with pytest.raises(Refused, match="only goes forward"):
        await account.control("POST", "/clock", {"now": "2030-01-01T00:00:00Z"})


async def test_a_fault_by_card_number_shows_only_its_ends(simulators: Sims) -> None:
    account = await simulators.account("dummypay")
    await account.fault({"pan": "4242424242424242"}, "rate_limit", times=1)
    [fault] = (await account.control("GET", "/faults"))["faults"]
    assert fault["when"] == {"pan": "424242******4242"}
    async with shop_at(account) as shop:
        other = {"number": "5555555555554444", "exp_month": 1, "exp_year": 2031}
        assert [(await shop.charge(card=other)).status, (await shop.charge()).status] == [200, 429]


@pytest.mark.parametrize(
    ("when", "met"),
    [
        ({"amount": 4200}, True),
        ({"amount": 4201}, False),
        ({"bin": "424242", "last4": "4242"}, True),
        ({"bin": "424242", "last4": "0000"}, False),
        ({"name": "A. Shopper"}, True),
        ({"email": "a@example.com"}, True),
        ({"reference": "att_1", "currency": "eur"}, True),
        ({"reference": "att_2"}, False),
        ({"header": {"X-Test": "1"}}, True),
        ({"header": {"X-Test": "2"}}, False),
        ({"operation": "refund"}, False),
        ({"operation": "*"}, True),
    ],
)
async def test_conditions(simulators: Sims, when: dict[str, object], met: bool) -> None:
    account = await simulators.account("dummypay")
    await account.fault(when, "rate_limit")
    async with shop_at(account) as shop:
        said = await shop.charge(email="a@example.com", headers={"x_test": "1"})
    assert said.status == (429 if met else 200)
