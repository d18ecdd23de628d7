"""The dispatcher with real parts: what reaches a merchant, signed; what is tried again, given up, replayed."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.integration.events_world import SECRET, Books, Json, Sink, open_books, open_sink, read_topic, until
from tests.parts import Database, Parts


@pytest.fixture
async def books(database: Database, parts: Parts, tmp_path: Path) -> AsyncIterator[Books]:
    async with open_books(database, parts, tmp_path) as opened:
        await opened.admin.execute("truncate core.delivery, core.outbox")
        yield opened


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with open_sink() as opened:
        yield opened


async def test_deliveries_are_verified_by_the_official_library(books: Books, sink: Sink) -> None:
    """Goal: the body is the event's bytes, as in Kafka; a changed byte, id or timestamp does not verify."""
    merchant = await books.merchant()
    await books.endpoint(merchant, f"{sink.url}/all")
    await books.endpoint(merchant, f"{sink.url}/captured", ("payment.captured",))
    async with books.running("relay"), books.running("dispatcher"):
        payment = await books.pay(merchant)
        await until(lambda: _delivered(books, 3))
    assert [json.loads(body)["type"] for _, body in sink.of("/all")] == ["payment.created", "payment.captured"]
    assert [json.loads(body)["type"] for _, body in sink.of("/captured")] == ["payment.captured"]
    official = Webhook(SECRET)
    published = {event["id"]: event for event in read_topic(books.kafka, books.topic)}
    for headers, body in sink.of("/all") + sink.of("/captured"):
        event = official.verify(body, headers)
        assert event["subject"] == payment
        assert event["id"] == headers["webhook-id"]
        assert body == orjson.dumps(published[event["id"]])
        assert headers["content-type"] == "application/json"
        for altered in (
            {**headers, "webhook-id": "evt_other"},
            {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)},
            {**headers, "webhook-signature": "v1," + base64.b64encode(bytes(32)).decode()},
        ):
            with pytest.raises(WebhookVerificationError):
                official.verify(body, altered)
        with pytest.raises(WebhookVerificationError):
            official.verify(body.replace(b"4200", b"4201"), headers)


async def test_an_event_is_delivered_once_however_often_it_is_published(books: Books, sink: Sink) -> None:
    merchant = await books.merchant()
    await books.endpoint(merchant, f"{sink.url}/once")
    async with books.running("relay"), books.running("dispatcher"):
        await books.pay(merchant)
        await until(lambda: _delivered(books, 2))
        # What a relay does that meets a cluster which has seen nothing.
        again = await books.store.system("outbox_republish_v1", {"cluster": "another"})
        assert again["unsent"] >= 2
        await until(lambda: _sent(books))
        await books.pay(merchant)
        await until(lambda: _delivered(books, 4))
    assert len(sink.of("/once")) == 4
    assert len({headers["webhook-id"] for headers, _ in sink.of("/once")}) == 4


async def test_a_refused_delivery_is_tried_again_and_then_delivered(books: Books, sink: Sink) -> None:
    """Goal: 500 and a redirect are failures; the id stays, the timestamp is the try's, nobody follows a redirect."""
    merchant = await books.merchant()
    await books.endpoint(merchant, f"{sink.url}/flaky", ("payment.captured",))
    sink.script["/flaky"] = [500, 302, 200]
    async with books.running("relay"), books.running("dispatcher"):
        await books.pay(merchant)
        await until(lambda: _delivered(books, 1))
    tries = sink.of("/flaky")
    assert len(tries) == 3
    assert sink.of("/elsewhere") == []
    assert len({headers["webhook-id"] for headers, _ in tries}) == 1
    stamps = [int(headers["webhook-timestamp"]) for headers, _ in tries]
    assert stamps[0] < stamps[1] < stamps[2]
    assert len({body for _, body in tries}) == 1
    [row] = await _deliveries(books)
    assert (row["status"], row["attempts"], row["status_code"], row["error"]) == ("delivered", 3, 200, None)


async def test_gone_disables_the_endpoint(books: Books, sink: Sink) -> None:
    merchant = await books.merchant()
    endpoint = await books.endpoint(merchant, f"{sink.url}/gone", ("payment.captured",))
    sink.script["/gone"] = [410]
    async with books.running("relay"), books.running("dispatcher"):
        await books.pay(merchant)
        await until(lambda: _status(books, "dead"))
        await books.pay(merchant)
        await until(lambda: _sent(books))
        # The other merchant's delivery shows that the dispatcher has read past the second payment's events.
        other = await books.merchant()
        await books.endpoint(other, f"{sink.url}/other", ("payment.captured",))
        await books.pay(other)
        await until(lambda: _delivered(books, 1))
    assert len(sink.of("/gone")) == 1
    view = await books.store.call("webhook_endpoint_get_v1", merchant, {"endpoint_id": endpoint})
    assert view["status"] == "disabled"
    [row] = [row for row in await _deliveries(books) if row["endpoint_id"] == endpoint]
    assert (row["status"], row["attempts"], row["status_code"]) == ("dead", 1, 410)


async def test_a_dead_letter_is_replayed(books: Books, sink: Sink) -> None:
    merchant = await books.merchant()
    await books.endpoint(merchant, f"{sink.url}/down", ("payment.captured",))
    sink.script["/down"] = [503]
    async with books.running("relay"), books.running("dispatcher", PAYERA_WEBHOOK_SCHEDULE="0,1"):
        await books.pay(merchant)
        await until(lambda: _status(books, "dead"))
        assert len(sink.of("/down")) == 2
        listed = await books.store.call("delivery_list_v1", merchant, {"status": "dead", "limit": 10})
        [letter] = listed["data"]
        sink.script["/down"] = [200]
        at = await books.value("select to_json(now()) #>> '{}'")
        await books.store.call("delivery_replay_v1", merchant, {"delivery_id": letter["id"], "at": at})
        await until(lambda: _delivered(books, 1))
    assert len({headers["webhook-id"] for headers, _ in sink.of("/down")}) == 1
    Webhook(SECRET).verify(sink.of("/down")[-1][1], sink.of("/down")[-1][0])


async def test_bad_endpoints_are_tried_and_tell_nothing(books: Books, sink: Sink) -> None:
    """Goal: refused, forbidden, unresolvable; each row says what went wrong in words that reveal no inside address."""
    merchant = await books.merchant()
    reasons = {
        "http://127.0.0.1:9/refused": "the connection failed",
        "http://169.254.169.254/latest": "the address is not allowed",
        "http://[::ffff:10.0.0.1]/inside": "the address is not allowed",
        "file:///etc/passwd": "the address is not allowed",
    }
    endpoints = {await books.endpoint(merchant, url, ("payment.captured",)): reason for url, reason in reasons.items()}
    await books.endpoint(merchant, f"{sink.url}/good", ("payment.captured",))
    async with books.running("relay"), books.running("dispatcher", PAYERA_WEBHOOK_SCHEDULE="0"):
        await books.pay(merchant)
        await until(lambda: _settled(books, 5))
    rows = {row["endpoint_id"]: row for row in await _deliveries(books)}
    assert {endpoint: rows[endpoint]["error"] for endpoint in endpoints} == endpoints
    assert all(rows[endpoint]["status"] == "dead" for endpoint in endpoints)
    assert len(sink.of("/good")) == 1


async def test_a_slow_endpoint_does_not_starve_the_others(books: Books, sink: Sink) -> None:
    """Goal: with a hundred deliveries waiting at an endpoint that never answers in time, another's go out at once."""
    slow, quick = await books.merchant(), await books.merchant()
    await books.endpoint(slow, f"{sink.url}/slow")
    await books.endpoint(quick, f"{sink.url}/quick")
    sink.slow_s["/slow"] = 60
    async with books.running("relay"), books.running("dispatcher"):
        await asyncio.gather(*(books.pay(slow) for _ in range(60)))
        await until(lambda: _arrived(sink, "/slow", 8))
        await books.pay(quick)
        await until(lambda: _arrived(sink, "/quick", 2), within_s=5)
        # Clients of one endpoint are bounded.
        assert len(sink.of("/slow")) == 8


async def test_what_a_killed_dispatcher_held_is_delivered_by_the_next(books: Books, sink: Sink) -> None:
    merchant = await books.merchant()
    await books.endpoint(merchant, f"{sink.url}/late", ("payment.captured",))
    sink.slow_s["/late"] = 60
    async with books.running("relay"), books.running("dispatcher") as killed:
        await books.pay(merchant)
        await until(lambda: _arrived(sink, "/late", 1))
        killed.popen.kill()
        await asyncio.to_thread(killed.popen.wait)
        sink.slow_s.clear()
        # Its lease runs 45 s of real time: shortened here, so as not to wait for it.
        await books.admin.execute("update core.delivery set lease_until = now()")
        async with books.running("dispatcher"):
            await until(lambda: _delivered(books, 1))
    assert len(sink.of("/late")) == 2


async def _deliveries(books: Books) -> list[Json]:
    return await books.rows("select * from core.delivery order by id")


async def _delivered(books: Books, count: int) -> bool:
    return bool(await books.value("select count(*) = $1 from core.delivery where status = 'delivered'", count))


async def _settled(books: Books, count: int) -> bool:
    return bool(await books.value("select count(*) = $1 from core.delivery where status <> 'pending'", count))


async def _status(books: Books, status: str) -> bool:
    return bool(await books.value("select count(*) > 0 from core.delivery where status = $1", status))


async def _sent(books: Books) -> bool:
    return await books.lag() == 0


async def _arrived(sink: Sink, path: str, count: int) -> bool:
    return len(sink.of(path)) >= count
