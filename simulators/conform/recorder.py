"""A reverse proxy on loopback that passes a PSP's sandbox through and keeps masked traffic.

`exchanges.jsonl` has every exchange, one line each; `cases.yaml` has the answers of the operations that move money or
read, in the form of the connectors' recorded cases, with `outcome: null` where a person says what the answer means.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from simulators.conform import masking

Json = dict[str, Any]
HOST = "127.0.0.1"
BODY_LIMIT = 4 << 20
TIMEOUT_S = 60.0
KEPT_HEADERS = ("content-type", "retry-after", "idempotent-replayed", "transient-error", "request-id", "cko-request-id")
"""Of the answer; of the request no header is kept but the idempotency key's presence."""
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "content-length", "content-encoding",
     "host", "accept-encoding", "proxy-authorization", "proxy-authenticate"}
)  # fmt: skip
HEADER = """\
# Recorded from a real answer, masked. Say what each one means (`outcome`, and `kind` of a read), then move it to
# tests/connectors/cases.
"""

OperationOf = Callable[[str, str], str | None]
"""(method, path) → authorize, capture, void, refund, read; None for what is none of these."""


@dataclass(slots=True)
class Recording:
    """What was kept, and where."""

    folder: Path
    operation_of: OperationOf
    cases: list[Json] = field(default_factory=list)

    def keep(self, method: str, path: str, request: Any, headers: Mapping[str, str], status: int, answer: Any) -> None:
        """Write one exchange at once: whoever ends the recorder loses nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shown = {name: masking.text(headers[name]) for name in KEPT_HEADERS if name in headers}
        operation = self.operation_of(method, path.partition("?")[0])
        line = {"method": method, "path": masking.path(path), "operation": operation, "request": request}
        line |= {"status": status, "headers": shown, "answer": answer}
        with (self.folder / "exchanges.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        if operation is not None:
            self.cases.append(_case(operation, line))
            text = yaml.safe_dump({"cases": self.cases}, sort_keys=False, allow_unicode=True, width=120)
            (self.folder / "cases.yaml").write_text(HEADER + text, "utf-8")


def _case(operation: str, line: Json) -> Json:
    kind = "authorize" if operation == "read" else operation
    case: Json = {"description": f"{line['method']} {line['path']} → {line['status']}", "kind": kind}
    if operation == "read":
        case["read"] = True
    case["status"] = line["status"]
    if isinstance(line["answer"], str | None):
        return case | {"text": line["answer"] or "", "outcome": None}
    return case | {"body": line["answer"], "outcome": None}


class Recorder:
    """The proxy. `start` listens and returns its URL; `stop` ends it."""

    def __init__(self, upstream: str, recording: Recording) -> None:
        self._upstream = upstream.rstrip("/")
        self._recording = recording
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> str:
        """Listen on loopback. Raises OSError for a taken port."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        self._session = aiohttp.ClientSession(
            timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=True
        )
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_route("*", "/{rest:.*}", self._pass)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port).start()
        return f"http://{HOST}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Give everything back."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _pass(self, request: web.Request) -> web.Response:
        assert self._session is not None
        sent = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        try:
            async with self._session.request(
                request.method, self._upstream + request.raw_path, data=sent, headers=headers, allow_redirects=False
            ) as answer:
                got = await answer.read()
                returned = {n: v for n, v in answer.headers.items() if n.lower() not in HOP_BY_HOP}
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as failed:
            # Nothing is recorded: there was no answer. The type's name alone, since the text may quote a header.
            return web.Response(status=502, text=f"the upstream did not answer: {type(failed).__name__}")
        lowered = {name.lower(): value for name, value in returned.items()}
        self._recording.keep(
            request.method,
            request.raw_path,
            masking.body(sent, request.headers.get("content-type", "")),
            lowered,
            status,
            masking.body(got, lowered.get("content-type", "")),
        )
        return web.Response(status=status, body=got, headers=returned)


async def record(
    upstream: str, folder: Path, operation_of: OperationOf, port: int, ready: Callable[[str], None]
) -> None:
    """Record until cancelled."""
    recorder = Recorder(upstream, Recording(folder, operation_of))
    try:
        ready(await recorder.start(port))
        await asyncio.Event().wait()
    finally:
        await recorder.stop()
