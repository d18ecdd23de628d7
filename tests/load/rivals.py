"""What the gateway and its simulator are measured against, each a process: `python -m tests.load.rivals NAME PORT …`.

floor PORT DSN SIMULATOR KEY MERCHANT TOKEN  the gateway's two stored procedures and one call to the PSP, nothing else
minimal PORT FILE                            a PSP endpoint by hand: parse the form, store it (one append), answer
sink PORT                                    the merchant's webhook endpoint: 200 to everything
"""

import asyncio
import contextlib
import itertools
import os
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import aiohttp
import asyncpg
import orjson
import uvicorn
import uvloop
from fastapi import FastAPI, Request, Response

from gateway.domain.ids import new_id
from tests.load.client import intent

Json = dict[str, Any]


def floor(dsn: str, simulator: str, key: str, merchant: str, token: str) -> FastAPI:
    """Same server, same pool size, same procedures, same PSP; no authentication, no vault, no checks, no logs."""
    held: dict[str, Any] = {}
    tokens = itertools.cycle(token.split(","))

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            asyncpg.create_pool(dsn, min_size=10, max_size=10, server_settings={"jit": "off"}) as held["pool"],
            aiohttp.ClientSession(connector=connector) as held["session"],
        ):
            yield

    app = FastAPI(lifespan=lifespan)
    begin, apply = "select api.payment_begin_v1($1, $2::jsonb)", "select api.payment_apply_v1($1, $2::jsonb)"

    @app.post("/pay")
    async def pay(request: Request) -> Response:
        asked = orjson.loads(await request.body())
        now = datetime.now(UTC)
        payment, operation = new_id("pay"), new_id("att")
        scope = {"scope": "POST /v1/payments", "key": operation}
        p: Json = {"payment_id": payment, "operation_id": operation, "event_id": new_id("evt"), "metadata": {}}
        p |= {"amount": asked["amount"], "currency": asked["currency"], "capture_method": "automatic"}
        p |= {"reference": asked["reference"], "token_id": next(tokens), "idempotency": scope | {"fingerprint": "f"}}
        p |= {"at": now.isoformat(), "send_within_ms": 1000, "lease_ms": 3000}
        p |= {"cascade_until": (now + timedelta(seconds=60)).isoformat()}
        begun = orjson.loads(await held["pool"].fetchval(begin, merchant, orjson.dumps(p).decode()))
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-www-form-urlencoded"}
        headers |= {"Stripe-Version": "2023-08-16", "Idempotency-Key": operation}
        body = urlencode(intent(operation, payment)).encode()
        async with held["session"].post(f"{simulator}/v1/payment_intents", data=body, headers=headers) as answer:
            charged = orjson.loads(await answer.read())
        outcome = {"kind": "approved", "provider_reference": charged["id"], "amount": charged["amount"]}
        outcome |= {"currency": charged["currency"].upper(), "captured": charged["status"] == "succeeded"}
        p = {"operation_id": operation, "epoch": begun["dispatch"]["epoch"], "outcome": outcome, "cascade": False}
        p |= {"at": datetime.now(UTC).isoformat(), "source": "inline", "order_id": new_id("ord")}
        p |= {"event_ids": [new_id("evt") for _ in range(4)], "answers": scope | {"status": 201}}
        applied = orjson.loads(await held["pool"].fetchval(apply, merchant, orjson.dumps(p).decode()))
        return Response(orjson.dumps(applied["payment"]), status_code=201, media_type="application/json")

    return app


def minimal(path: str) -> FastAPI:
    """Parse, store, answer: what a person writes in ten minutes. As durable as the simulator: one write per request."""
    app = FastAPI()
    journal = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    stored: dict[str, Json] = {}

    @app.post("/v1/payment_intents")
    async def create(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        key = request.headers["idempotency-key"]
        if key not in stored:
            made = {"id": new_id("pi"), "object": "payment_intent", "amount": int(form["amount"])}
            made |= {"currency": form["currency"], "status": "succeeded", "capture_method": form["capture_method"]}
            made["metadata"] = {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}
            os.write(journal, orjson.dumps(made) + b"\n")
            stored[key] = made
        return Response(orjson.dumps(stored[key]), media_type="application/json")

    return app


def sink() -> Any:
    """The smallest ASGI application that accepts everything."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    return app


if __name__ == "__main__":
    name, port, *rest = sys.argv[1:]
    makers: dict[str, Callable[..., Any]] = {"floor": floor, "minimal": minimal, "sink": sink}
    app = makers[name](*rest)
    lifespan: Literal["on", "off"] = "on" if name == "floor" else "off"
    config = uvicorn.Config(
        app, port=int(port), http="httptools", lifespan=lifespan, access_log=False, log_level="error"
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())
