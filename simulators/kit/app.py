"""The ASGI application of a simulator: reads a request, routes it, runs the exchange, sends the reply or loses it."""

import asyncio
from typing import Any

from simulators.kit import exchange
from simulators.kit.accounts import World
from simulators.kit.http import Answer, Request
from simulators.kit.routing import Route, Router
from simulators.kit.spec import Receive, Scope, Send
from simulators.kit.transport import Connection, connection_of

BODY_LIMIT = 1_048_576


class Application:
    """`Application(world, ROUTES)` is what a simulator's `build` returns."""

    def __init__(self, world: World, routes: tuple[Route, ...]) -> None:
        self.world = world
        world.routes += routes
        self.router = Router(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        request = await _read(scope, receive)
        if request is None:
            return
        reply = await self.reply(request)
        connection = request.connection
        if reply.loss is None or connection is None:
            assert reply.answer is not None, "an answer is lost only on a connection of our own"
            await _send(send, reply.answer)
        else:
            await self._lose(reply, connection, receive, send)

    async def reply(self, request: Request) -> exchange.Reply:
        """Route and run one request."""
        route, params, path_exists = self.router.find(request.method, request.path)
        if route is None:
            kind: Any = "method_not_allowed" if path_exists else "unknown_route"
            return exchange.Reply(self.world.spec.dialect.problem(kind, {}, request))
        if len(request.body) > BODY_LIMIT:
            return exchange.Reply(self.world.spec.dialect.problem("malformed_request", {"too_large": True}, request))
        return await exchange.run(self.world, route, params, request)

    async def _lose(self, reply: exchange.Reply, connection: Connection, receive: Receive, send: Send) -> None:
        if reply.loss == "truncate" and reply.answer is not None:
            await _start(send, reply.answer)
            half = reply.answer.body[: len(reply.answer.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            connection.cut()
        elif reply.loss == "reset":
            connection.reset()
        elif await self._client_left(receive):
            return
        else:
            connection.reset()
        await _disconnected(receive)

    async def _client_left(self, receive: Receive) -> bool:
        """Hang until the client gives up. False if the simulator stops first."""
        left = asyncio.ensure_future(_disconnected(receive))
        stopping = asyncio.ensure_future(self.world.stopping.wait())
        try:
            await asyncio.wait((left, stopping), return_when=asyncio.FIRST_COMPLETED)
            return left.done()
        finally:
            for waiting in (left, stopping):
                waiting.cancel()


async def _read(scope: Scope, receive: Receive) -> Request | None:
    """The whole request; None if the client left before its end."""
    message = await receive()
    if message["type"] == "http.disconnect":
        return None
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts = [body]
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
        body = b"".join(parts)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(
        scope["method"],
        scope["path"],
        headers,
        body,
        scope["query_string"].decode("latin-1"),
        connection_of(scope),
        scope["scheme"],
    )


async def _start(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *((name.encode(), value.encode("latin-1")) for name, value in answer.headers.items()),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})


async def _send(send: Send, answer: Answer) -> None:
    await _start(send, answer)
    await send({"type": "http.response.body", "body": answer.body})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return
