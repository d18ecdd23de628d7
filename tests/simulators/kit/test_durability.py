"""A PSP does not forget: what was answered is there after `kill -9`, and SIGTERM ends the process with 0."""

import asyncio
import time
from pathlib import Path

import aiohttp
import orjson
import pytest

from simulators.kit.lifecycle import IMMEDIATE, after, manual
from simulators.kit.log import CorruptLog, Log
from simulators.kit.testing import TestAccount, eventually, running, spawned
from tests.simulators.dummypay.client import receiver, shop_at

pytestmark = pytest.mark.asyncio


async def test_acknowledged_charges_survive_kill_9_under_load(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    async with spawned("dummypay", state=tmp_path) as sims:
        account = await sims.account("dummypay")
        async with shop_at(account) as shop:

            async def client(number: int) -> None:
                count = 0
                while True:
                    said = await shop.charge(reference=f"att_{number}_{count}")
                    acknowledged.append(said.body["id"])
                    count += 1

            clients = [asyncio.create_task(client(number)) for number in range(8)]

            async def enough() -> bool:
                return len(acknowledged) > 200

            await eventually(enough)
            await sims.kill()
            ended = await asyncio.gather(*clients, return_exceptions=True)
            assert all(isinstance(end, aiohttp.ClientError) for end in ended), ended
    async with spawned("dummypay", state=tmp_path) as sims:
        account = TestAccount(sims, "dummypay", {**account.view, "url": sims.urls["dummypay"]})
        journal = [entry["object"] for entry in await account.journal()]
        assert set(acknowledged) <= set(journal)
        assert len(journal) <= len(acknowledged) + 8, "at most what was in flight is extra"
        assert len(set(journal)) == len(journal)
        async with shop_at(account) as shop:
            fresh = (await shop.charge()).body["id"]
            assert fresh not in journal, "ids are not given twice"


async def test_everything_of_an_account_survives(tmp_path: Path) -> None:
    async with receiver() as hook, spawned("dummypay", state=tmp_path) as sims:
        account = await sims.account("dummypay", door=True)
        await account.control("PUT", "/webhook", {"url": hook.url})
        async with shop_at(account) as shop:
            charge = await shop.charge(key="k1")
            await hook.wait(1)
            await account.fault({"pan": "4242424242424242"}, "rate_limit", times=1)
            assert (await shop.charge(key="k2")).status == 429
            await account.fault(
                {"amount": 77}, [{"action": "pending", "seconds": 500}, {"action": "webhook_delay", "seconds": 900}]
            )
            waiting = (await shop.charge(77, reference="att_2")).body
            await account.advance(100)
            before = await account.journal()
        await sims.kill()
        async with spawned("dummypay", state=tmp_path) as again:
            account = TestAccount(again, "dummypay", account.view)
            assert await account.control("GET", "") == account.view, "the same keys, the same door"
            async with shop_at(account) as shop:
                replayed = await shop.charge(key="k1")
                assert (replayed.raw, replayed.headers["idempotent-replayed"]) == (charge.raw, "true")
                assert (await shop.charge(key="k3")).status == 200, "the fault remembers that it is used up"
                assert await account.journal() == [*before, (await account.journal())[-1]]
                assert (await account.control("GET", "/clock"))["offset_s"] == pytest.approx(100)
                assert (await shop.find("att_2"))[0]["status"] == "pending"
                await account.advance(450)
                assert (await shop.find("att_2"))[0]["status"] == "captured"
                assert await account.control("POST", "/reset")
        async with spawned("dummypay", state=tmp_path) as third:
            account = TestAccount(third, "dummypay", account.view)
            assert await account.journal() == []
            async with shop_at(account) as shop:
                fresh = (await shop.charge()).body["id"]
                assert fresh not in (charge.body["id"], waiting["id"])
                await hook.wait(4)
    assert b"4242424242424242" not in contents(tmp_path)


def contents(folder: Path) -> bytes:
    """All files of a state folder."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_pending_notifications_go_out_after_a_restart(tmp_path: Path) -> None:
    async with receiver() as hook:
        async with spawned("dummypay", state=tmp_path) as sims:
            account = await sims.account("dummypay")
            await account.control("PUT", "/webhook", {"url": hook.url})
            await account.fault({}, {"action": "webhook_delay", "seconds": 3600}, times=1)
            async with shop_at(account) as shop:
                await shop.charge()
            await sims.kill()
        async with spawned("dummypay", state=tmp_path) as sims:
            account = TestAccount(sims, "dummypay", account.view)
            await account.advance(3000)
            assert hook.got == []
            await account.advance(700)
            assert hook.types() == ["charge.captured"]


async def test_a_shut_door_is_shut_after_a_restart_and_opens_when_its_seconds_have_passed(tmp_path: Path) -> None:
    async with spawned("dummypay", state=tmp_path) as sims:
        account = await sims.account("dummypay", door=True)
        await account.fault({}, {"action": "connection_refused", "seconds": 60})
        await sims.kill()
    async with spawned("dummypay", state=tmp_path) as sims:
        account = TestAccount(sims, "dummypay", account.view)
        async with shop_at(account) as shop:
            with pytest.raises(aiohttp.ClientConnectorError):
                await shop.charge()
            await account.advance(61)
            assert (await shop.charge()).status == 200


async def test_sigterm_ends_with_0_quickly_even_with_a_hanging_client(tmp_path: Path) -> None:
    async with spawned("dummypay", state=tmp_path) as sims:
        account = await sims.account("dummypay", door=True)
        await account.fault({}, {"action": "commit_then_lose_response", "lose": "hang"})
        async with shop_at(account) as shop:
            hanging = asyncio.create_task(shop.charge())
            await eventually(account.journal)
            began = time.monotonic()
            assert await sims.terminate() == 0
            assert time.monotonic() - began < 2
            with pytest.raises(aiohttp.ClientError):
                await hanging


async def test_accounts_from_the_command_line(tmp_path: Path) -> None:
    arguments = ("--account", "dummypay:dummypay_test_mine:shh")
    for _ in range(2):  # the second time the account is in the log already
        async with spawned("dummypay", state=tmp_path, arguments=arguments) as sims:
            [account] = (await sims.control("GET", "/v1/dummypay/accounts"))["accounts"]
            assert (account["api_key"], account["webhook_secret"]) == ("dummypay_test_mine", "shh")
            assert await sims.terminate() == 0


async def test_a_truncated_last_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = Log(path)
    log.append({"n": 1})
    log.append({"n": 2})
    log.close()
    path.write_bytes(path.read_bytes()[:-3])
    log = Log(path)
    assert list(log.read()) == [{"n": 1}]
    log.append({"n": 3})
    log.close()
    assert [orjson.loads(line) for line in path.read_bytes().splitlines()] == [{"n": 1}, {"n": 3}]


async def test_a_damaged_line_in_the_middle_is_not_guessed_at(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": \n{"n": 3}\n')
    log = Log(path)
    with pytest.raises(CorruptLog, match="damaged line at byte 9"):
        list(log.read())
    log.close()


async def test_how_resources_move_survives_and_a_reset_ends_it(tmp_path: Path) -> None:
    asked = {"capture": {"after": 60}, "refund": "manual", "payout": "immediate"}
    wanted = {"capture": after(60), "refund": manual(), "payout": IMMEDIATE}
    async with running("dummypay", state=tmp_path) as sims:
        account = await sims.account("dummypay")
        await account.control("PUT", "/lifecycle", asked)
    async with running("dummypay", state=tmp_path) as sims:
        assert sims.group is not None
        again = sims.group.worlds["dummypay"].accounts[account.view["account"]]
        assert {resource: again.mode(resource) for resource in asked} == wanted
        await TestAccount(sims, "dummypay", account.view).control("POST", "/reset")
        assert again.mode("refund") == IMMEDIATE
    async with running("dummypay", state=tmp_path) as sims:
        assert sims.group is not None
        assert sims.group.worlds["dummypay"].accounts[account.view["account"]].mode("refund") == IMMEDIATE
