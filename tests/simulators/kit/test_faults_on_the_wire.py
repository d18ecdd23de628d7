"""Every fault of the control plane, seen from outside: what a client on a real socket sees, and what was committed."""

import asyncio
import errno
import socket
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from simulators.kit.testing import Refused, eventually, running
from tests.simulators.dummypay.client import Shop, shop_at

pytestmark = pytest.mark.asyncio


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with running("dummypay") as sims:
        account = await sims.account("dummypay", door=True, seed=7)
        async with shop_at(account) as client:
            yield client


def raw_post(url: str, key: str, body: bytes) -> bytes:
    """One POST on a bare socket, read until the other side ends; raises what the socket raises."""
    host, port = url.removeprefix("http://").split(":")
    head = (
        f"POST /v1/charges HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(head.encode() + body)
        parts = []
        while part := client.recv(65536):
            parts.append(part)
        return b"".join(parts)


BODY = (
    b'{"amount": 4200, "currency": "EUR", "reference": "att_1", "payment": "pay_1",'
    b' "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030}}'
)


async def test_reset_before_commit_is_a_tcp_reset_and_moves_nothing(shop: Shop) -> None:
    await shop.account.fault({"operation": "authorize"}, "reset_before_commit", times=1)
    with pytest.raises(ConnectionResetError) as caught:
        await asyncio.to_thread(raw_post, shop.account.url, shop.account.api_key, BODY)
    assert caught.value.errno == errno.ECONNRESET
    assert await shop.moved() == []
    assert (await shop.charge()).body["status"] == "captured", "times: 1 is used up"
    first = (await shop.account.requests())[0]
    assert (first["status"], first["fault"], first["committed"]) == (None, "reset_before_commit", False)


async def test_commit_then_lose_response_by_reset(shop: Shop) -> None:
    await shop.account.fault({"operation": "authorize"}, "commit_then_lose_response", times=1)
    with pytest.raises(ConnectionResetError) as caught:
        await asyncio.to_thread(raw_post, shop.account.url, shop.account.api_key, BODY)
    assert caught.value.errno == errno.ECONNRESET
    assert await shop.moved() == [("charge", 4200)]
    assert [charge["status"] for charge in await shop.find("att_1")] == ["captured"]
    line = (await shop.account.requests())[0]
    assert (line["status"], line["fault"], line["committed"]) == (None, "commit_then_lose_response", True)


async def test_commit_then_lose_response_by_hanging(shop: Shop) -> None:
    await shop.account.fault({}, {"action": "commit_then_lose_response", "lose": "hang"}, times=1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(shop.charge(key="k"), 0.3)
    assert await shop.moved() == [("charge", 4200)]
    again = await shop.charge(key="k")
    assert again.headers["idempotent-replayed"] == "true", "the same key finds the lost answer"
    assert again.body["id"] == (await shop.account.journal())[0]["object"]


async def test_connection_refused_until_the_rule_is_deleted(shop: Shop) -> None:
    assert (await shop.charge()).status == 200  # leaves a pooled connection behind
    fault = await shop.account.fault({"operation": "authorize"}, "connection_refused")
    with pytest.raises(ConnectionRefusedError) as caught:
        await asyncio.to_thread(raw_post, shop.account.url, shop.account.api_key, BODY)
    assert caught.value.errno == errno.ECONNREFUSED
    with pytest.raises(aiohttp.ClientConnectorError) as refused:
        await shop.charge()
    assert refused.value.os_error.errno == errno.ECONNREFUSED, "the pooled connection was cut, a new one is refused"
    with pytest.raises(OSError, match="in use"), socket.socket() as thief:
        thief.bind(("127.0.0.1", int(shop.account.url.rpartition(":")[2])))
    assert await shop.moved() == [("charge", 4200)]
    await shop.account.control("DELETE", f"/faults/{fault}")
    assert (await shop.charge()).status == 200


async def test_connection_refused_for_seconds_of_the_accounts_clock(shop: Shop) -> None:
    await shop.account.fault({}, {"action": "connection_refused", "seconds": 600})
    with pytest.raises(aiohttp.ClientConnectorError):
        await shop.charge()
    await shop.account.advance(601)
    assert (await shop.charge()).status == 200
    assert (await shop.account.control("GET", "/faults"))["faults"] == []


async def test_a_reset_of_the_account_opens_its_door(shop: Shop) -> None:
    await shop.account.fault({}, "connection_refused")
    await shop.account.control("POST", "/reset")
    assert (await shop.charge()).status == 200


async def test_connection_refused_needs_a_door_and_cannot_be_counted(shop: Shop) -> None:
    without = await shop.account.sims.account("dummypay")
    with pytest.raises(Refused, match="needs an account with a door"):
        await without.fault({}, "connection_refused")
    with pytest.raises(Refused, match="nobody can count it"):
        await shop.account.fault({}, "connection_refused", times=1)
    with pytest.raises(Refused, match="only operation may be named"):
        await shop.account.fault({"amount": 4200}, "connection_refused")


async def test_truncated_body_announces_more_than_it_sends(shop: Shop) -> None:
    await shop.account.fault({}, "truncated_body", times=1)
    raw = await asyncio.to_thread(raw_post, shop.account.url, shop.account.api_key, BODY)
    head, _, body = raw.partition(b"\r\n\r\n")
    announced = int(next(line.split(b":")[1] for line in head.split(b"\r\n") if line.startswith(b"content-length")))
    assert head.startswith(b"HTTP/1.1 200 ")
    assert len(body) == announced // 2
    assert await shop.moved() == [("charge", 4200)]


async def test_malformed_body_is_complete_and_not_json(shop: Shop) -> None:
    await shop.account.fault({}, "malformed_body", times=1)
    with pytest.raises(ValueError, match="Expecting"):
        await shop.charge()
    assert await shop.moved() == [("charge", 4200)]


async def test_rate_limit_runs_nothing(shop: Shop) -> None:
    await shop.account.fault({}, {"action": "rate_limit", "retry_after": 3}, times=1)
    said = await shop.charge()
    assert (said.status, said.headers["retry-after"], said.body["error"]["type"]) == (429, "3", "rate_limited")
    assert await shop.moved() == []


@pytest.mark.parametrize(("commit", "moved"), [(True, [("charge", 4200)]), (False, [])])
async def test_server_error_with_and_without_commit(shop: Shop, commit: bool, moved: list[tuple[str, int]]) -> None:
    await shop.account.fault({}, {"action": "server_error", "status": 503, "commit": commit}, times=1)
    said = await shop.charge(key="k")
    assert (said.status, said.body["error"]["type"]) == (503, "server_error")
    assert await shop.moved() == moved
    line = (await shop.account.requests())[0]
    assert (line["status"], line["committed"]) == (503, commit)


async def test_latency_delays_the_answer_but_not_the_commit(shop: Shop) -> None:
    await shop.account.fault({}, {"action": "latency", "seconds": 0.4}, times=1)
    began = time.monotonic()
    charging = asyncio.create_task(shop.charge())
    await eventually(shop.moved, within_s=0.3)
    assert (await charging).status == 200
    assert time.monotonic() - began >= 0.4


async def test_commit_late_hangs_and_commits_on_the_accounts_clock(shop: Shop) -> None:
    await shop.account.fault({}, {"action": "commit_late", "seconds": 120}, times=1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(shop.charge(key="k"), 0.3)
    assert await shop.moved() == []
    assert await shop.find("att_1") == []
    busy = await shop.charge(key="k")
    assert (busy.status, busy.body["error"]["type"]) == (409, "key_in_use")
    assert (await shop.account.advance(121))["fired"] == 1
    assert await shop.moved() == [("charge", 4200)]
    assert (await shop.charge(key="k")).headers["idempotent-replayed"] == "true"


async def test_wrong_amount_moves_that_amount(shop: Shop) -> None:
    await shop.account.fault({"amount": 4200}, {"action": "wrong_amount", "amount": 4300}, times=1)
    assert (await shop.charge()).body["amount"] == 4300
    assert await shop.moved() == [("charge", 4300)]


async def test_decline_by_fault(shop: Shop) -> None:
    await shop.account.fault({"operation": "authorize"}, {"action": "decline", "code": "59"}, times=1)
    said = await shop.charge()
    assert (said.status, said.body["status"], said.body["code"]) == (200, "declined", "59")
    assert [(e["kind"], e["code"]) for e in await shop.account.journal()] == [("decline", "59")]
    with pytest.raises(Refused, match="unknown code '999'"):
        await shop.account.fault({}, {"action": "decline", "code": "999"})


@pytest.mark.parametrize(
    ("then", "status", "moved"),
    [("approve", "captured", [("charge", 4200)]), ("51", "declined", [("decline", 4200)])],
)
async def test_pending_settles_on_the_clock(shop: Shop, then: str, status: str, moved: list[tuple[str, int]]) -> None:
    await shop.account.fault({}, {"action": "pending", "seconds": 300, "then": then}, times=1)
    charge = (await shop.charge()).body
    assert charge["status"] == "pending"
    assert await shop.moved() == []
    await shop.account.advance(299)
    assert (await shop.find("att_1"))[0]["status"] == "pending"
    await shop.account.advance(2)
    assert (await shop.find("att_1"))[0]["status"] == status
    assert await shop.moved() == moved


async def test_hide_from_reads_until_the_clock_passes(shop: Shop) -> None:
    await shop.account.fault({"operation": "authorize"}, {"action": "hide_from_reads", "seconds": 60}, times=1)
    charge = (await shop.charge(capture=False)).body
    assert await shop.find("att_1") == []
    assert (await shop.call("GET", f"/v1/charges/{charge['id']}")).status == 404
    assert (await shop.capture(charge["id"], amount=1000, final=False)).status == 200, "only reads are blind"
    await shop.account.advance(61)
    assert [found["id"] for found in await shop.find("att_1")] == [charge["id"]]


async def test_actions_of_different_phases_combine(shop: Shop) -> None:
    then = [{"action": "decline", "code": "91"}, "commit_then_lose_response", {"action": "latency", "seconds": 0.01}]
    await shop.account.fault({}, then, times=1)
    with pytest.raises(aiohttp.ClientOSError):
        await shop.charge()
    assert await shop.moved() == [("decline", 4200)]
    assert (await shop.account.requests())[0]["fault"] == "decline+commit_then_lose_response+latency"


async def test_a_key_meets_its_fault_again_and_does_not_use_it_up(shop: Shop) -> None:
    await shop.account.fault({}, "rate_limit", times=1)
    assert [(await shop.charge(key="a")).status for _ in range(3)] == [429, 429, 429]
    assert (await shop.charge(key="b")).status == 200
    assert (await shop.account.control("GET", "/faults"))["faults"][0]["fired"] == 3


async def test_per_request_counts_every_request(shop: Shop) -> None:
    await shop.account.fault({}, "rate_limit", times=1, per="request")
    assert [(await shop.charge(key="a")).status for _ in range(2)] == [429, 200]


async def test_a_hanging_client_does_not_keep_the_simulators_from_stopping() -> None:
    async with running("dummypay") as sims:
        account = await sims.account("dummypay")
        await account.fault({}, {"action": "commit_then_lose_response", "lose": "hang"})
        async with shop_at(account) as client:
            hanging = asyncio.create_task(client.charge())
            await eventually(account.journal)
            began = time.monotonic()
            for world in sims.group.worlds.values():  # what `stop` does first
                world.stopping.set()
            with pytest.raises(aiohttp.ClientOSError):
                await hanging
            assert time.monotonic() - began < 1
