"""The one place where a connector's bytes leave, and where *not sent* is told from *unknown*.

    NotSent   no byte of this request has left: the egress check refused, the name did not resolve, the connection was
              refused, TLS failed, or the sender's fence fell before the first write. Nobody can have been charged.
    Unknown   something left and no whole answer came back: timeout, reset, truncated or oversized body.
    Answer    a complete HTTP answer, whatever its status. What it means is the connector's business.

The line between the two is drawn by `_FencedRequest`, whose `send` runs after the connection stands and immediately
before the first write. It also catches the client library's own second try of an idempotent method on a stale
keep-alive connection: a POST is never tried again, and the fence is asked before every write.

Nothing here logs or raises a header or a body: both may hold credentials and card data (PCI DSS 3.5.1, SEC-20).
"""

import asyncio
import select
import ssl
import time
import weakref
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver

from gateway import tracing
from gateway.domain.errors import PayeraError
from gateway.domain.outcome import NotSent, Unknown

EgressCheck = Callable[[str], None]
"""Raises `PayeraError` for a URL that must not be called. Injected: the policy belongs to the composition root, which
injects its resolver as well, so that the addresses behind a name are checked when they are connected to."""

Reached = Callable[[str], Awaitable[None]]
"""Told of `send.after` (the request has left) and `receive.before` (the answer begins): a test stops there."""

KEEPALIVE_S = 4.0
"""Shorter than what common servers keep (5 s), so that we rarely write into a connection that is being closed."""

BODY_LIMIT_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer. Headers are lower-cased; the body stays out of every repr."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None if it is anything else."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None
        return value if isinstance(value, dict) else None


class Fenced(Exception):
    """The sender's time to send is over; no byte was written."""


class _Stale(Exception):
    """A kept connection that the other side has closed; no byte of this request was written."""


@dataclass(slots=True)
class _Progress:
    send_by: float | None
    sending: bool = False
    reached: Reached | None = None


_progress: ContextVar[_Progress] = ContextVar("payera_http_progress")


class _FencedRequest(aiohttp.ClientRequest):
    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        progress = _progress.get()
        if progress.send_by is not None and time.monotonic() >= progress.send_by:
            raise Fenced
        if conn.protocol in _used and _has_news(conn.transport):
            raise _Stale
        _used.add(conn.protocol)
        progress.sending = True
        answer = await super().send(conn)
        if progress.reached is not None:
            await progress.reached("send.after")
        return answer


_used: weakref.WeakSet[Any] = weakref.WeakSet()


def _has_news(transport: Any) -> bool:
    """Whether an idle connection has something to read: between two requests that can only be its end."""
    socket = transport.get_extra_info("socket") if transport is not None else None
    if socket is None or socket.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(socket.fileno(), select.POLLIN)
    return bool(poll.poll(0))


class HttpClient:
    """One pooled session for all connectors of a process. Use as an async context manager, or call `close`."""

    def __init__(
        self,
        check_egress: EgressCheck | None = None,
        *,
        resolver: AbstractResolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        limit: int = 256,
        reached: Reached | None = None,
    ) -> None:
        self._check_egress = check_egress
        self._resolver = resolver
        self._ssl: ssl.SSLContext | Literal[True] = ssl_context or True
        self._limit = limit
        self._reached = reached
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        timeout_s: float,
        send_by: float | None = None,
    ) -> Answer | NotSent | Unknown:
        """Send one request. `timeout_s` bounds everything; `send_by` (monotonic seconds) bounds the first write."""
        with tracing.span(method, tracing.SpanKind.CLIENT) as span:
            result = await self._send(method, url, headers, body, timeout_s, send_by)
            if tracing.collecting():
                _describe(span, method, url, result)
            return result

    async def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
        send_by: float | None,
    ) -> Answer | NotSent | Unknown:
        if self._check_egress is not None:
            try:
                self._check_egress(url)
            except PayeraError as refusal:
                return NotSent(cause=refusal.code)
        progress = _Progress(send_by, reached=self._reached)
        token = _progress.set(progress)
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    try:
                        return await self._exchange(method, url, headers, body, timeout_s)
                    except _Stale:
                        continue  # the connection is out of the pool now; each can be stale only once
        except Fenced:
            return NotSent(cause="fenced")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            # The text of these errors may quote a header line or the URL: only the type's name goes on.
            if not progress.sending:
                return NotSent(cause=_not_sent_cause(error))
            return Unknown(cause=_unknown_cause(error), detail=type(error).__name__)
        finally:
            _progress.reset(token)

    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_s: float
    ) -> Answer | Unknown:
        async with self._open().request(
            method,
            url,
            headers=headers,
            data=body,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            ssl=self._ssl,
        ) as response:
            if self._reached is not None:
                await self._reached("receive.before")
            content = bytearray()
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > BODY_LIMIT_BYTES:
                    response.close()
                    return Unknown(cause="malformed", detail="answer too large")
            lowered = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, lowered, bytes(content))

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._limit, keepalive_timeout=KEEPALIVE_S, resolver=self._resolver, ttl_dns_cache=10
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                request_class=_FencedRequest,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept-Encoding"),
                trust_env=False,
            )
        return self._session


def _describe(span: tracing.AnySpan, method: str, url: str, result: Answer | NotSent | Unknown) -> None:
    """Where it went and what came, by the semantic conventions for HTTP clients; neither path nor query, which may
    hold ids of the PSP's."""
    parts = urlsplit(url)
    span.say({"http.request.method": method, "url.scheme": parts.scheme, "server.address": parts.hostname or ""})
    if parts.port is not None:
        span.say({"server.port": parts.port})
    if isinstance(result, Answer):
        span.say({"http.response.status_code": result.status})
        if result.status >= 400:
            span.fail(str(result.status))
    else:
        span.fail(result.cause or "unknown")


def _not_sent_cause(error: BaseException) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError() | ssl.SSLError():
            return "tls"
        case aiohttp.ClientConnectorDNSError():
            return "dns"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            return "refused"
        case TimeoutError():
            return "connect_timeout"
        case aiohttp.InvalidURL() | ValueError():
            return "invalid_request"
        case _:
            return "connect"


def _unknown_cause(error: BaseException) -> Literal["timeout", "reset", "malformed"]:
    match error:
        case asyncio.TimeoutError():
            return "timeout"
        case aiohttp.ClientPayloadError() | aiohttp.ClientResponseError() | ValueError():
            return "malformed"
        case _:
            return "reset"
