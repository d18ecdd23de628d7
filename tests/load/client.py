"""A load client in a process of its own: keeps N connections busy for some seconds and prints what it saw, as JSON.

`python -m tests.load.client KIND URL CONNECTIONS SECONDS [NAME=VALUE …]`. It speaks HTTP/1.1 by hand, so that as little
as possible of the machine goes to asking. The first `WARM_S` seconds are not counted.
"""

import asyncio
import itertools
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

import uvloop

WARM_S = 0.4
Make = Callable[[], tuple[dict[str, str], bytes]]
_JSON = {"Content-Type": "application/json"}


def gateway(given: dict[str, str]) -> Make:
    """A payment with one of the tokens (a comma list), in turn, as a merchant's server sends it."""
    tokens = itertools.cycle(given["token"].split(","))

    def make() -> tuple[dict[str, str], bytes]:
        headers = {"Authorization": f"Bearer {given['key']}", "Content-Type": "application/json"}
        headers["Idempotency-Key"] = uuid.uuid4().hex
        body = {"amount": 4200, "currency": "EUR", "token": next(tokens), "reference": "order-1"}
        return headers, json.dumps(body).encode()

    return make


def stripe(given: dict[str, str]) -> Make:
    """A confirmed payment intent, with the fields that the gateway's connector sends."""

    def make() -> tuple[dict[str, str], bytes]:
        headers = {"Authorization": f"Bearer {given['key']}", "Content-Type": "application/x-www-form-urlencoded"}
        headers |= {"Stripe-Version": "2023-08-16", "Idempotency-Key": f"att_{uuid.uuid4().hex}"}
        return headers, urlencode(intent(headers["Idempotency-Key"], "pay_1")).encode()

    return make


def intent(operation: str, payment: str) -> dict[str, str]:
    """The form of one intent."""
    form = {"amount": "4200", "currency": "eur", "confirm": "true", "capture_method": "automatic"}
    form |= {"payment_method_types[0]": "card", "payment_method_data[type]": "card"}
    form |= {"payment_method_data[card][number]": "4242424242424242", "payment_method_data[card][exp_month]": "12"}
    form |= {"payment_method_data[card][exp_year]": "2030", "metadata[payera_operation]": operation}
    return form | {"metadata[payera_payment]": payment, "expand[0]": "latest_charge"}


def adyen(given: dict[str, str]) -> Make:
    """A card payment at Adyen, captured at once; `extra` is the merchant account."""

    def make() -> tuple[dict[str, str], bytes]:
        operation = f"att_{uuid.uuid4().hex}"
        method = {"type": "scheme", "number": "4111111111111111", "expiryMonth": "03", "expiryYear": "2030"}
        body = {"merchantAccount": given["extra"], "reference": operation, "captureDelayHours": 0}
        body |= {"amount": {"currency": "EUR", "value": 4200}, "paymentMethod": method | {"cvc": "737"}}
        body |= {"returnUrl": "https://shop.example/return", "metadata": {"payera_payment": "pay_1"}}
        return {"X-API-Key": given["key"], **_JSON, "Idempotency-Key": operation}, json.dumps(body).encode()

    return make


def checkout(given: dict[str, str]) -> Make:
    """A card payment at Checkout.com, captured at once; `extra` is the processing channel."""

    def make() -> tuple[dict[str, str], bytes]:
        operation = f"att_{uuid.uuid4().hex}"
        card = {"type": "card", "number": "4242424242424242", "expiry_month": 12, "expiry_year": 2030, "cvv": "100"}
        body = {"source": card, "amount": 4200, "currency": "EUR", "reference": operation, "capture": True}
        body |= {"processing_channel_id": given["extra"], "metadata": {"payera_payment": "pay_1"}}
        headers = {"Authorization": f"Bearer {given['key']}", **_JSON, "Cko-Idempotency-Key": operation}
        return headers, json.dumps(body).encode()

    return make


def dummypay(given: dict[str, str]) -> Make:
    """A charge at the reference provider."""

    def make() -> tuple[dict[str, str], bytes]:
        operation = f"att_{uuid.uuid4().hex}"
        card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}
        body = {"amount": 4200, "currency": "EUR", "card": card, "capture": True, "reference": operation}
        headers = {"Authorization": f"Bearer {given['key']}", **_JSON, "Idempotency-Key": operation}
        return headers, json.dumps(body | {"payment": "pay_1"}).encode()

    return make


def floor(_: dict[str, str]) -> Make:
    """A payment at the floor, whose body is as small as the gateway's."""
    body = b'{"amount": 4200, "currency": "EUR", "reference": "order-1"}'
    return lambda: ({"Content-Type": "application/json"}, body)


KINDS: dict[str, Callable[[dict[str, str]], Make]] = {
    "gateway": gateway,
    "floor": floor,
    "stripe": stripe,
    "adyen": adyen,
    "checkout": checkout,
    "dummypay": dummypay,
}


class Connection:
    """One keep-alive connection: requests one after another."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(self._url.hostname, self._url.port)

    async def post(self, headers: dict[str, str], body: bytes) -> int:
        """The status of one POST; its body is read and dropped."""
        lines = [f"POST {self._url.path} HTTP/1.1", f"Host: {self._url.netloc}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = head.partition("content-length:")[2].partition("\r\n")[0]
        await self._reader.readexactly(int(length))
        return int(head[9:12])

    def close(self) -> None:
        self._writer.close()


async def run(kind: str, url: str, connections: int, seconds: float, given: dict[str, str]) -> dict[str, object]:
    """Statuses, and the latencies in milliseconds of what was answered inside the measured time."""
    make = KINDS[kind](given)
    statuses: Counter[int] = Counter()
    latencies: list[float] = []
    start = time.perf_counter() + WARM_S
    end = start + seconds

    async def work() -> None:
        connection = Connection(url)
        await connection.open()
        while (sent := time.perf_counter()) < end:
            headers, body = make()
            status = await connection.post(headers, body)
            done = time.perf_counter()
            if start <= done < end:
                statuses[status] += 1
                latencies.append((done - sent) * 1000)
        connection.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return {"statuses": statuses, "latencies_ms": latencies, "seconds": seconds}


if __name__ == "__main__":
    kind, url, connections, seconds, *pairs = sys.argv[1:]
    given = dict(pair.split("=", 1) for pair in pairs)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run(kind, url, int(connections), float(seconds), given))))
