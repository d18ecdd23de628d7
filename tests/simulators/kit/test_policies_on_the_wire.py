"""The idempotency policies of the real PSPs, each in a simulator of one route, over real sockets."""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from simulators.kit.accounts import World
from simulators.kit.app import Application
from simulators.kit.exchange import Exchange
from simulators.kit.faults import Facts
from simulators.kit.http import Answer, Request
from simulators.kit.idempotency import IdempotencyPolicy, Remembered
from simulators.kit.routing import Route
from simulators.kit.serving import Simulators
from simulators.kit.spec import Dialect, Problem, SimulatorSpec


def problem(kind: Problem, detail: Mapping[str, Any], request: Request) -> Answer:
    return Answer.json(detail.get("status", 400), {"problem": kind})


def create(x: Exchange) -> Answer:
    x.made = x.new_id("ob_", 8)
    x.store.put("objects", {"id": x.made, "state": "new"})
    x.record("charge", x.amount, "EUR", x.made)
    return Answer.json(201 if x.amount != 13 else 402, {"id": x.made, "state": "new"})


def touch(x: Exchange) -> Answer:
    x.store.put("objects", {"id": x.params["id"], "state": "touched"})
    return Answer.json(200, {})


def current(x: Exchange, known: Remembered) -> Answer:
    return Answer.json(200, x.store.get("objects", known.object_id or ""))


def point(x: Exchange, known: Remembered) -> Answer:
    return Answer.json(409, {"links": known.object_id})


ROUTES = (
    Route("POST", "/objects", create, "authorize", lambda x: Facts("authorize", amount=x.body["amount"])),
    Route("POST", "/objects/{id}/touch", touch),
)


@asynccontextmanager
async def simulator(tmp_path: Path, policy: IdempotencyPolicy, repeat: Any = None) -> AsyncIterator["Client"]:
    (tmp_path / "rules.yaml").write_text("{}")
    dialect = Dialect(
        credential=Request.bearer,
        parse=lambda request: orjson.loads(request.body),
        problem=problem,
        idempotency=policy,
        current=repeat,
    )
    spec = SimulatorSpec(
        slug="tiny",
        title="Tiny",
        dialect=dialect,
        build=lambda world: Application(world, ROUTES),
        new_credentials=lambda source: {"api_key": "k", "webhook_secret": "s"},
        folder=tmp_path,
    )
    group = Simulators({"tiny": spec})
    world: World = group.worlds["tiny"]
    world.create(seed=random.Random(1).getrandbits(8))
    await group.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield Client(session, world)
    finally:
        await group.stop()


class Client:
    def __init__(self, session: aiohttp.ClientSession, world: World) -> None:
        self._session = session
        self.world = world
        [self.account] = world.accounts.values()

    async def post(self, path: str, body: Any, key: str | None = "key") -> tuple[int, Any]:
        headers = {"authorization": "Bearer k"} | ({"idempotency-key": key} if key else {})
        async with self._session.post(self.world.url + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    def moved(self) -> int:
        return len(self.account.journal.entries)


async def test_stored_errors_are_replayed(tmp_path: Path) -> None:
    async with simulator(tmp_path, IdempotencyPolicy(keeps="answered")) as client:
        first = await client.post("/objects", {"amount": 13})
        assert first[0] == 402
        assert await client.post("/objects", {"amount": 13}) == first
        client.account.add_fault({"then": {"action": "server_error", "commit": True}, "times": 1})
        assert await client.post("/objects", {"amount": 1}, "k2") == (500, {"problem": "server_error"})
        assert await client.post("/objects", {"amount": 1}, "k2") == (500, {"problem": "server_error"})
        assert client.moved() == 2, "executed once, and never told what came of it"


async def test_success_only_runs_an_error_again(tmp_path: Path) -> None:
    async with simulator(tmp_path, IdempotencyPolicy(keeps="success")) as client:
        assert [(await client.post("/objects", {"amount": 13}))[0] for _ in range(2)] == [402, 402]
        assert client.moved() == 2
        client.account.add_fault({"then": {"action": "server_error", "commit": True}, "times": 1, "per": "request"})
        assert (await client.post("/objects", {"amount": 1}, "k2"))[0] == 500
        second = await client.post("/objects", {"amount": 1}, "k2")
        assert second[0] == 201
        assert await client.post("/objects", {"amount": 1}, "k2") == second
        assert client.moved() == 4, "the double charge that this policy makes possible"


async def test_current_state_instead_of_the_first_answer(tmp_path: Path) -> None:
    async with simulator(tmp_path, IdempotencyPolicy(repeat="current", same_request=False), current) as client:
        _, made = await client.post("/objects", {"amount": 1})
        await client.post(f"/objects/{made['id']}/touch", {}, None)
        assert await client.post("/objects", {"amount": 2}) == (200, {"id": made["id"], "state": "touched"})
        assert client.moved() == 1


async def test_refusal_that_points_to_the_object(tmp_path: Path) -> None:
    async with simulator(tmp_path, IdempotencyPolicy(repeat="refuse"), point) as client:
        _, made = await client.post("/objects", {"amount": 1})
        assert await client.post("/objects", {"amount": 1}) == (409, {"links": made["id"]})
        assert await client.post("/objects", {"amount": 2}) == (400, {"problem": "key_reused"})


async def test_a_handler_that_fails_leaves_nothing(tmp_path: Path, caplog: Any) -> None:
    async with simulator(tmp_path, IdempotencyPolicy()) as client:

        def broken(kind: str, *rest: Any, **more: Any) -> None:
            raise OSError("the disk is full")

        client.account.journal.add = broken  # type: ignore[method-assign,assignment]  # a failure in the middle of a handler
        assert await client.post("/objects", {"amount": 1}) == (500, {"problem": "server_error"})
        assert (client.account.store.count("objects"), client.moved()) == (0, 0)
        assert client.account.remembered == {}
        assert client.account.requests[-1]["status"] == 500
        assert "the disk is full" in caplog.text
