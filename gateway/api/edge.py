"""The outermost layer, plain ASGI because every request pays for it: trace id, authentication, size and type of the
body, `no-store`, figures, and the last catch: no exception leaves as anything but a problem.
"""

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException

from gateway import tracing
from gateway.api.auth import Authentication, check_reach
from gateway.api.problems import Problem, problem_of
from gateway.observability import REQUEST_SECONDS, REQUESTS, payment_id, trace_id

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_LIMIT_BYTES = 64 * 1024
NOTIFICATION_LIMIT_BYTES = 1024 * 1024
"""PSPs send whole objects."""
SETTLEMENT_LIMIT_BYTES = 32 * 1024 * 1024
"""A busy day: some hundred thousand lines."""
_SETTLEMENTS = "/v1/settlements"
_ABOUT_US = frozenset(("/healthz", "/metrics"))
_TABLES = frozenset(("text/csv", "text/plain"))

_log = logging.getLogger(__name__)


class Edge:
    """Wraps the application."""

    def __init__(self, app: App, authentication: Authentication) -> None:
        self._app = app
        self._authentication = authentication
        self._seconds: dict[tuple[str, str], Any] = {}
        self._requests: dict[tuple[str, str, int], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        trace, span = tracing.inbound(
            headers.get(b"traceparent", b"").decode("latin-1"), silent=scope["path"] in _ABOUT_US
        )
        trace_id.set(trace)
        payment_id.set("")
        with span:
            status = await self._serve(scope, headers, receive, send, trace.encode())
            if tracing.collecting():
                _describe(span, scope, status)

    async def _serve(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send, trace: bytes
    ) -> int:
        """Answer, whatever happens; the status that left, 0 if none did."""
        started = time.perf_counter()
        status = 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"cache-control", b"no-store"),
                    (b"x-content-type-options", b"nosniff"),
                    (b"trace-id", trace),
                ]
            await send(message)

        try:
            path: str = scope["path"]
            if path.startswith("/v1/"):
                authorization = headers.get(b"authorization")
                caller = await self._authentication.caller(
                    authorization.decode("latin-1") if authorization is not None else None, _source(scope)
                )
                check_reach(caller, scope["method"], path)
                scope["payera.caller"] = caller
            guarded = _guard_body(scope, headers, receive)
            await self._app(scope, guarded, send_marked)
        except Exception as error:
            if not isinstance(error, Problem | HTTPException):
                # The type and the place, not the message: it could hold what the caller sent.
                _log.error("request failed: %s", type(error).__name__, exc_info=_without_message(error))
            if not status:  # once the answer has begun, the connection is all that can be closed
                await problem_of(error)(scope, receive, send_marked)
        finally:
            self._count(scope, status, time.perf_counter() - started)
        return status

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"]
        operation = getattr(scope.get("route"), "name", "unmatched")
        timer = self._seconds.get((method, operation))
        if timer is None:
            timer = self._seconds[method, operation] = REQUEST_SECONDS.labels(method, operation)
        timer.observe(seconds)
        counter = self._requests.get((method, operation, status))
        if counter is None:
            counter = self._requests[method, operation, status] = REQUESTS.labels(method, operation, status)
        counter.inc()


def _describe(span: tracing.AnySpan, scope: Scope, status: int) -> None:
    """The route's template, never the path or the query: they may hold what nobody else should read."""
    method = scope["method"]
    route = getattr(scope.get("route"), "path", None)
    span.rename(f"{method} {route}" if route else method)
    span.say({"http.request.method": method, "http.response.status_code": status, "url.scheme": scope["scheme"]})
    if route:
        span.say({"http.route": route})
    caller = scope.get("payera.caller")
    span.set(merchant_id=caller.merchant if caller else None, payment_id=payment_id.get() or None)
    if status >= 500 or not status:
        span.fail(str(status))


def _source(scope: Scope) -> str:
    """The address of whoever connected. A header that names another is anybody's to write (SEC-16)."""
    client = scope.get("client")
    return client[0] if client else ""


def _headers(scope: Scope) -> dict[bytes, bytes]:
    return dict(scope["headers"])


def _without_message(error: Exception) -> tuple[type[Exception], Exception, Any]:
    """For `exc_info`: the traceback with an empty message."""
    return type(error), Exception(), error.__traceback__


def _guard_body(scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Receive:
    """Refuse a body that is too large or not JSON; count what comes without a length. Raises `Problem`."""
    notification, settlement = scope["path"].startswith("/webhooks/"), scope["path"] == _SETTLEMENTS
    limit = NOTIFICATION_LIMIT_BYTES if notification else SETTLEMENT_LIMIT_BYTES if settlement else BODY_LIMIT_BYTES
    length = headers.get(b"content-length")
    if length is None and b"transfer-encoding" not in headers:
        return receive
    if length is not None and (not length.isdigit() or int(length) > limit):
        raise _too_large(limit)
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if settlement and media_type.decode("latin-1") not in _TABLES:
        raise Problem(415, "unsupported_media_type", "Send the file as `Content-Type: text/csv`.")
    if not (notification or settlement) and length != b"0" and media_type != b"application/json":
        raise Problem(415, "unsupported_media_type", "Send the body as `Content-Type: application/json`.")
    taken = 0

    async def receive_counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            # An HTTPException, since the framework lets it pass while it reads the body.
            raise HTTPException(413)
        return message

    return receive_counted


def _too_large(limit: int) -> Problem:
    return Problem(413, "body_too_large", f"The body may have {limit} bytes at most.")
