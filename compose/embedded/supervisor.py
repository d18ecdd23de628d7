"""The one process that owns an environment: it starts the others in the order of their needs, watches them, stops them.

`python -m compose.embedded.supervisor OPTIONS_JSON`. Nothing is restarted by itself: a crash must be seen. Control is a
Unix socket with one JSON object per line: `{"do": "status"}`, `{"do": "kill", "name": "api", "signal": 9}`,
`{"do": "restart", "name": "api"}`, `{"do": "repair"}`, `{"do": "stop"}`; every answer has `ok`.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compose.embedded import seed
from compose.embedded.apache_kafka import Installation
from compose.embedded.layout import Layout, load_secrets
from compose.embedded.ports import Ports
from compose.embedded.process import (
    Child,
    ProcessFailed,
    describe_exit,
    end_leftovers,
    started_at,
    tail_of,
    write_private,
)
from compose.embedded.services import APACHE, LITTLE, Plan, Service, choose_ports

Json = dict[str, Any]
_WATCH_EVERY_S = 0.25
_STARTS_WITHIN_S = 90.0
_LOCK_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """What `payera up` asks for. With `owner` (pid and its start) the environment ends when that process does; with
    `apache` (java and the folder of jars) Apache Kafka is its broker."""

    state: str
    port_base: int | None = None
    parts_only: bool = False
    extra: dict[str, str] = field(default_factory=dict)
    owner: tuple[int, str] | None = None
    apache: tuple[str, str] | None = None


class Refused(Exception):
    """A control request that makes no sense, in words for the one who asked."""


class Supervisor:
    """State of one environment. All of it is used from the main thread's event loop only."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.layout = Layout(Path(options.state))
        self.ports = Ports()
        self.phase = "starting"
        self.children: dict[str, Child] = {}
        self.ordered_dead: set[str] = set()  # ended on request: not news for the log
        self._finished: dict[str, asyncio.Event] = {}
        self._stop = asyncio.Event()
        self._busy = asyncio.Lock()  # one kill, restart or repair at a time
        self.env: Json = {}
        self.broker = APACHE if options.apache else LITTLE

    # --- life -----------------------------------------------------------------------------------------------------
    async def run(self) -> int:
        """Start everything, serve until told to stop, stop everything. The exit code of the process."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        self.layout.socket.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, str(self.layout.socket))
        self.layout.socket.chmod(0o600)
        try:
            started = await self._unless_stopped(self._start_all)
            if not started:
                return 0
            self.phase = "ready"
            await self._watch()
            return 0
        except Exception as error:  # the reason must reach `payera up`, which waits in another process
            self._record_failure(error)
            return 1
        finally:
            self.phase = "stopping"
            server.close()
            self.layout.env_file.unlink(missing_ok=True)
            await self._stop_all()
            self.ports.release()
            self.layout.socket.unlink(missing_ok=True)

    async def _unless_stopped(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do `work` unless a stop is ordered first; True if it was done."""
        doing = asyncio.ensure_future(work())
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED, timeout=_STARTS_WITHIN_S)
        stopping.cancel()
        if doing.done():
            doing.result()
            return True
        doing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await doing
        if self._stop.is_set():
            return False
        raise TimeoutError(f"not up within {_STARTS_WITHIN_S:g} s")

    def _record_failure(self, error: Exception) -> None:
        if isinstance(error, BaseExceptionGroup):
            error = next((e for e in _flatten(error) if isinstance(e, ProcessFailed)), _flatten(error)[0])
        facts = {"name": None, "what": f"{type(error).__name__}: {error}", "tail": ""}
        if isinstance(error, ProcessFailed):
            facts = {"name": error.name, "what": error.what, "tail": error.tail}
        else:
            traceback.print_exception(error)
        write_private(self.layout.failure_file, json.dumps(facts))

    async def _start_all(self) -> None:
        secrets = load_secrets(self.layout)
        ports = choose_ports(self.ports, self.options.port_base)
        apache = Installation(*map(Path, self.options.apache)) if self.options.apache else None
        self.plan = Plan(self.layout, secrets, ports, self.options.extra, self.options.parts_only, apache)
        services = self.plan.services()
        self._finished = {name: asyncio.Event() for name in services}
        async with asyncio.TaskGroup() as group:
            for service in services.values():
                group.create_task(self._start_in_order(service))
        await self._publish()

    async def _start_in_order(self, service: Service) -> None:
        for need in service.needs:
            await self._finished[need].wait()
        await self._start(service)
        self._finished[service.name].set()

    async def _start(self, service: Service) -> None:
        """Start one process and wait until it is healthy (a oneshot: until it ended well). Raises `ProcessFailed`."""
        await asyncio.to_thread(service.prepare)
        spec = service.spec()
        child = Child(spec, self.layout.log(service.name), self.layout.pid_file(service.name))  # here: the main thread
        self.children[service.name] = child
        self.ordered_dead.discard(service.name)
        deadline = time.monotonic() + spec.start_within_s
        while True:
            code = child.exit_code()
            if service.oneshot and code is not None:
                if code != 0:
                    raise child.failure(describe_exit(code))
                del self.children[service.name]
                return
            if not service.oneshot and await asyncio.to_thread(child.check_started, deadline):
                print(f"{service.name}: healthy, pid {child.pid}", flush=True)  # noqa: T201 - this is the log
                return
            if time.monotonic() > deadline:
                raise child.failure(f"not finished after {spec.start_within_s:g} s")
            await asyncio.sleep(0.08)

    async def _publish(self) -> None:
        """Seed what a person needs to begin, then tell where everything is."""
        self.env = await asyncio.to_thread(seed.describe, self.plan)
        write_private(self.layout.env_file, json.dumps(self.env, indent=1) + "\n")

    async def _watch(self) -> None:
        """Until told to stop: notice whoever ended, and the owner's end."""
        reported: dict[str, int] = {}
        while not self._stop.is_set():
            for name, child in self.children.items():
                code = child.exit_code()
                if code is not None and reported.get(name) != child.pid and name not in self.ordered_dead:
                    reported[name] = child.pid
                    print(f"{name}: ended, {describe_exit(code)}\n{tail_of(child.log)}", flush=True)  # noqa: T201
            owner = self.options.owner
            if owner is not None and started_at(owner[0]) != owner[1]:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _WATCH_EVERY_S)

    async def _stop_all(self) -> None:
        """The gateway's processes first, then what they stand on; each asked, then killed."""
        below = ("postgres", "temporal", "kafka")
        for names in ([n for n in self.children if n not in below], [n for n in self.children if n in below]):
            await asyncio.gather(*(asyncio.to_thread(self.children[name].stop) for name in names))

    # --- control --------------------------------------------------------------------------------------------------
    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                answer = await self._answer(line)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except OSError:
            pass  # the one who asked has gone
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> Json:
        try:
            return {"ok": True, **await self._obey(json.loads(line))}
        except (Refused, ValueError) as error:
            return {"ok": False, "error": str(error)}
        except ProcessFailed as error:
            return {"ok": False, "error": str(error), "name": error.name, "tail": error.tail}

    async def _obey(self, request: Any) -> Json:
        verbs = {"status": self._status, "kill": self._kill, "restart": self._restart}
        verbs |= {"repair": self._repair, "stop": self._order_stop}
        if not isinstance(request, dict) or request.get("do") not in verbs:
            raise Refused(f"ask for one of {', '.join(verbs)}")
        return await verbs[request["do"]](request)

    def _child(self, request: Json) -> Child:
        child = self.children.get(str(request.get("name")))
        if child is None:
            raise Refused(f"no process named {request.get('name')!r}; there are {', '.join(self.children)}")
        return child

    async def _status(self, _: Json) -> Json:
        children = list(self.children.items())
        if self.phase == "starting":  # asked often: no probing on top of the start's own
            rows = [
                _row(name, child, name in self._finished and self._finished[name].is_set()) for name, child in children
            ]
            return {"phase": self.phase, "pid": os.getpid(), "processes": rows, "broker": self.broker}
        looks = [asyncio.to_thread(child.spec.healthy) for _, child in children]
        healthy = await asyncio.gather(*looks)
        rows = [_row(name, child, well) for (name, child), well in zip(children, healthy, strict=True)]
        return {"phase": self.phase, "pid": os.getpid(), "processes": rows, "broker": self.broker}

    async def _kill(self, request: Json) -> Json:
        """Send a signal and wait for the end: what a scenario orders."""
        child = self._child(request)
        number = int(request.get("signal", signal.SIGKILL))
        if child.exit_code() is not None:
            raise Refused(f"{child.spec.name} is not running")
        self.ordered_dead.add(child.spec.name)
        child.signal(number)
        until = time.monotonic() + 10
        while (code := child.exit_code()) is None:
            if time.monotonic() > until:
                raise Refused(f"{child.spec.name} still runs 10 s after signal {number}")
            await asyncio.sleep(0.01)
        return {"name": child.spec.name, "pid": child.pid, "code": code}

    async def _restart(self, request: Json) -> Json:
        child = self._child(request)
        async with self._busy:
            await self._start_again([child.spec.name])
        return {"name": child.spec.name, "pid": self.children[child.spec.name].pid}

    async def _repair(self, _: Json) -> Json:
        """Start again whatever is dead; the names, with the last lines each had logged."""
        async with self._busy:
            dead = {name: tail_of(child.log) for name, child in self.children.items() if child.exit_code() is not None}
            await self._start_again(list(dead))
        return {"repaired": dead}

    async def _start_again(self, names: list[str]) -> None:
        """Stop (if need be) and start; a Kafka without a lasting address takes its users along. env.json follows."""
        services = self.plan.services()
        if "kafka" in names and not self.plan.kafka.lasting:
            users = [n for n, s in services.items() if "kafka" in s.needs and self.children[n].exit_code() is None]
            names = [*names, *(n for n in users if n not in names)]
        for name in reversed(names):
            self.ordered_dead.add(name)
            await asyncio.to_thread(self.children[name].stop)
        for name in sorted(names, key=list(services).index):
            await self._start(services[name])
        if "kafka" in names:
            self.env["kafka"] = self.plan.kafka.address
            write_private(self.layout.env_file, json.dumps(self.env, indent=1) + "\n")

    async def _order_stop(self, _: Json) -> Json:
        self._stop.set()
        return {}


def _row(name: str, child: Child, healthy: bool) -> Json:
    code = child.exit_code()
    state = "healthy" if healthy else "unhealthy"
    if code is not None:
        state = f"ended, {describe_exit(code)}"
    row: Json = {
        "name": name,
        "pid": child.pid,
        "state": state,
        "running": code is None,
        "healthy": code is None and healthy,
    }
    row |= {"port": child.spec.port, "since": child.since, "log": str(child.log)}
    if not row["healthy"]:
        row["tail"] = tail_of(child.log)
    return row


def _flatten(group: BaseExceptionGroup[Any]) -> list[Exception]:
    found: list[Exception] = []
    for error in group.exceptions:
        found += _flatten(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


def _take_lock(layout: Layout) -> int | None:
    """The environment's lock; tried for a while, since those who only look whether it is held hold it for a moment."""
    until = time.monotonic() + _LOCK_WITHIN_S
    while (lock := layout.lock()) is None and time.monotonic() < until:
        time.sleep(0.02)
    return lock


def main(options: Options) -> int:
    """Own the environment of `options.state`, or end with 3 if another supervisor does."""
    os.umask(0o077)
    layout = Layout(Path(options.state))
    layout.create()
    lock = _take_lock(layout)
    if lock is None:
        return 3
    end_leftovers(layout.run)
    layout.failure_file.unlink(missing_ok=True)
    write_private(
        layout.pid_file("supervisor"),
        json.dumps({"name": "supervisor", "pid": os.getpid(), "started": started_at(os.getpid())}),
    )
    try:
        return asyncio.run(Supervisor(options).run())
    finally:
        layout.pid_file("supervisor").unlink(missing_ok=True)
        os.close(lock)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    for pair in ("owner", "apache"):
        given[pair] = tuple(given[pair]) if given.get(pair) else None
    if os.fork():  # leave the caller's session: the environment stays up when its shell goes
        os._exit(0)
    os.setsid()
    sys.exit(main(Options(**given)))
