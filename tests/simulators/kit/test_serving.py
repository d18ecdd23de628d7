"""Discovery, ports, lifecycles by look, and the command line over the control plane."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from simulators.cli import app
from simulators.dummypay import SIMULATOR
from simulators.kit.lifecycle import PROGRESS, manual, start
from simulators.kit.serving import Simulators, default_ports, discover
from simulators.kit.testing import Sims, running
from tests.simulators.dummypay.client import Shop, shop_at


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with running("dummypay") as sims, shop_at(await sims.account("dummypay")) as client:
        yield client


def test_every_folder_with_a_simulator_is_found() -> None:
    found = discover()
    assert {"dummypay", "stripe"} <= set(found)
    assert list(found) == sorted(found)
    ports = default_ports(found)
    assert ports["stripe"] == 12111
    assert len(set(ports.values())) == len(ports)
    assert min(ports.values()) == 12111


def test_ports_of_new_simulators_do_not_clash() -> None:
    specs = {slug: replace(SIMULATOR, slug=slug) for slug in ("acme", "dummypay", "zeta")}
    specs["stripe"] = replace(SIMULATOR, slug="stripe", default_port=12111)
    specs["fixed"] = replace(SIMULATOR, slug="fixed", default_port=12113)
    assert default_ports(specs) == {"stripe": 12111, "acme": 12112, "fixed": 12113, "dummypay": 12114, "zeta": 12115}
    assert default_ports(specs, 9000)["stripe"] == 9000
    assert set(default_ports(specs, 0).values()) == {0}
    specs["other"] = replace(SIMULATOR, slug="other", default_port=12111)
    with pytest.raises(ValueError, match="same default_port"):
        default_ports(specs)


async def test_a_taken_port_is_replaced_unless_it_must_be_exact() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        group = Simulators({"dummypay": SIMULATOR})
        await group.start(ports={"dummypay": port})
        assert not group.worlds["dummypay"].url.endswith(f":{port}")
        await group.stop()
        strict = Simulators({"dummypay": SIMULATOR})
        with pytest.raises(OSError, match="in use"):
            await strict.start(ports={"dummypay": port}, exact=True)
        await strict.stop()


async def test_urls_name_the_public_host() -> None:
    """Clients in other containers know the process by a name; it listens where it is told."""
    group = Simulators({"dummypay": SIMULATOR}, public_host="simulators")
    await group.start()
    try:
        world = group.worlds["dummypay"]
        account = world.create({})
        group.give_door(account)
        assert account.door is not None
        for url in (world.url, group.control_url, account.door.url):
            assert url.startswith("http://simulators:")
    finally:
        await group.stop()


async def test_a_stopped_group_frees_its_ports() -> None:
    async with running("dummypay") as sims:
        account = await sims.account("dummypay", door=True)
        addresses = [sims.control_url, sims.urls["dummypay"], account.url]
    for address in addresses:
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", int(address.rpartition(":")[2])))


async def test_manual_n_moves_on_the_nth_look(shop: Shop) -> None:
    assert shop.account.sims.group is not None
    await shop.account.fault({}, "pending", times=1)
    charge = (await shop.charge()).body
    [account] = shop.account.sims.group.worlds["dummypay"].accounts.values()
    with account.transaction():
        start(account, charge["id"], "approve", manual(3))
    looks = [(await shop.call("GET", f"/v1/charges/{charge['id']}")).body["status"] for _ in range(4)]
    assert looks == ["pending", "pending", "captured", "captured"]
    assert account.store.count(PROGRESS) == 0
    assert await shop.moved() == [("charge", 4200)]


async def sim(sims: Sims, *words: str, code: int = 0) -> str:
    """`payera sim …` in a thread: the simulators answer it from this event loop."""
    environment = {"PAYERA_CONTROL": sims.control_url}
    result = await asyncio.to_thread(CliRunner().invoke, app, list(words), env=environment)
    assert result.exit_code == code, result.output
    return str(result.output)


async def test_the_command_line(shop: Shop) -> None:
    sims, key = shop.account.sims, shop.account.api_key
    assert "dummypay" in await sim(sims, "list")
    assert key in await sim(sims, "accounts", "dummypay")
    made: dict[str, Any] = json.loads(await sim(sims, "account", "dummypay", "--door", "--seed", "5"))
    assert made["door"] is True
    rule = "{when: {operation: authorize, amount: 77}, then: {action: decline, code: '51'}, times: 1}"
    fault = json.loads(await sim(sims, "faults", "dummypay", rule, "-a", key))
    assert fault["then"] == [{"action": "decline", "code": "51"}]
    await shop.charge(77)
    charge = (await shop.charge()).body
    assert fault["id"] in await sim(sims, "faults", "dummypay", "-a", key)
    entries = json.loads(await sim(sims, "journal", "dummypay", "-a", key, "--json"))
    assert [(entry["kind"], entry["amount"]) for entry in entries] == [("decline", 77), ("charge", 4200)]
    assert charge["id"] in await sim(sims, "journal", "dummypay", "-a", key)
    assert "decline" in await sim(sims, "requests", "dummypay", "-a", key)
    assert json.loads(await sim(sims, "clock", "dummypay", "-a", key, "--advance", "60"))["offset_s"] == 60
    assert "no notification yet" in await sim(sims, "webhooks", "dummypay", "-a", key)
    assert "1 removed" in await sim(sims, "faults", "dummypay", "--clear", "-a", key)
    assert "reset" in await sim(sims, "reset", "dummypay", "-a", key)
    assert "no money moved" in await sim(sims, "journal", "dummypay", "-a", key)


async def test_the_command_line_says_what_is_wrong(shop: Shop) -> None:
    sims, key = shop.account.sims, shop.account.api_key
    assert "no account 'nobody' at dummypay" in await sim(sims, "journal", "dummypay", "-a", "nobody", code=1)
    assert "unknown action 'explode'" in await sim(sims, "faults", "dummypay", "{then: explode}", "-a", key, code=1)
    assert "not YAML" in await sim(sims, "faults", "dummypay", "{then: ", "-a", key, code=1)
    assert "no simulator 'nopay'" in await sim(sims, "accounts", "nopay", code=1)
    assert "waits for nothing" in await sim(sims, "settle", "dummypay", "ch_1", "-a", key, code=1)
