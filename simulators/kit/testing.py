"""Simulators for tests: in the test's own event loop, or as a process that can be killed. Always on random ports.

async with running("dummypay") as sims:
    account = await sims.account("dummypay", door=True)
    await account.fault({"operation": "authorize"}, "reset_before_commit", times=1)

async with spawned(state=tmp_path) as sims:      # the same, in a process: sims.kill(), sims.terminate()
    ...
"""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from simulators.kit.serving import Simulators, discover

Json = dict[str, Any]
START_WITHIN_S = 20.0


class Refused(Exception):
    """The control plane said no: `status` and its message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


@dataclass(slots=True)
class TestAccount:
    """One account, as a test uses it. `view` is what the control plane answered: url, api_key, webhook_secret, …"""

    __test__ = False  # for pytest, which collects classes by their names

    sims: "Sims"
    slug: str
    view: Json

    @property
    def url(self) -> str:
        return str(self.view["url"])

    @property
    def api_key(self) -> str:
        return str(self.view["api_key"])

    @property
    def webhook_secret(self) -> str:
        return str(self.view["webhook_secret"])

    async def control(self, method: str, path: str = "", body: Any = None) -> Any:
        """A call below `/v1/{slug}/accounts/{account}`. Raises Refused for anything but 2xx."""
        return await self.sims.control(method, f"/v1/{self.slug}/accounts/{self.view['account']}{path}", body)

    async def fault(self, when: Mapping[str, Any], then: Any, **more: Any) -> str:
        """Set a fault; returns its id."""
        return str((await self.control("POST", "/faults", {"when": dict(when), "then": then, **more}))["id"])

    async def journal(self) -> list[Json]:
        """The entries of the journal."""
        entries: list[Json] = (await self.control("GET", "/journal"))["entries"]
        return entries

    async def requests(self) -> list[Json]:
        """The requests log."""
        lines: list[Json] = (await self.control("GET", "/requests"))["requests"]
        return lines

    async def advance(self, seconds: float) -> Json:
        """Move the account's clock."""
        moved: Json = await self.control("POST", "/clock", {"advance_s": seconds})
        return moved

    async def deliveries(self) -> list[Json]:
        """The notifications sent or waiting."""
        found: list[Json] = (await self.control("GET", "/webhooks"))["deliveries"]
        return found


class Sims:
    """Running simulators by their addresses."""

    def __init__(
        self,
        control_url: str,
        urls: Mapping[str, str],
        process: asyncio.subprocess.Process | None = None,
        group: Simulators | None = None,
    ) -> None:
        self.control_url = control_url
        self.urls = dict(urls)
        self.process = process
        self.group = group  # in this event loop: the simulators themselves
        self._session = aiohttp.ClientSession()

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """A call to the control plane. Raises Refused for anything but 2xx."""
        async with self._session.request(method, self.control_url + path, json=body) as answer:
            value = await answer.json()
            if answer.status >= 300:
                raise Refused(answer.status, value["error"]["message"])
            return value

    async def account(self, slug: str, **wanted: Any) -> TestAccount:
        """A fresh account; `door`, `seed`, `api_key`, `webhook_secret` as the control plane takes them."""
        return TestAccount(self, slug, await self.control("POST", f"/v1/{slug}/accounts", wanted))

    async def kill(self) -> None:
        """`kill -9` of a spawned process."""
        assert self.process is not None, "only a spawned process can be killed"
        self.process.kill()
        await self.process.wait()

    async def terminate(self) -> int:
        """SIGTERM of a spawned process; returns its exit code."""
        assert self.process is not None, "only a spawned process can be terminated"
        self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()

    async def close(self) -> None:
        """Give the connections to the control plane back."""
        await self._session.close()


@asynccontextmanager
async def running(*slugs: str, state: Path | None = None) -> AsyncIterator[Sims]:
    """The named simulators (all, if none is named) inside this event loop."""
    specs = {slug: spec for slug, spec in discover().items() if not slugs or slug in slugs}
    group = Simulators(specs, state=state)
    await group.start()
    sims = Sims(group.control_url, {slug: world.url for slug, world in group.worlds.items()}, group=group)
    try:
        yield sims
    finally:
        await sims.close()
        await group.stop()


@asynccontextmanager
async def spawned(*slugs: str, state: Path | None = None, arguments: tuple[str, ...] = ()) -> AsyncIterator[Sims]:
    """The named simulators (all, if none is named) as a process of their own."""
    command = [sys.executable, "-m", "simulators.main", "--control-port", "0", "--port-base", "0", *arguments]
    command += [part for slug in slugs for part in ("--only", slug)]
    command += ["--state", str(state)] if state is not None else []
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=root)
    sims: Sims | None = None
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), START_WITHIN_S)
        if not line:
            raise RuntimeError(f"the simulators ended with {await process.wait()} before they served")
        ready = json.loads(line)
        sims = Sims(ready["control"], ready["simulators"], process)
        yield sims
    finally:
        if sims is not None:
            await sims.close()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def eventually(check: Callable[[], Awaitable[Any]], within_s: float = 10.0) -> Any:
    """The first true value of `check`, asked again and again. Raises TimeoutError naming the last value."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while True:
        value = await check()
        if value:
            return value
        if loop.time() > deadline:
            raise TimeoutError(f"still {value!r} after {within_s} s")
        await asyncio.sleep(0.01)
