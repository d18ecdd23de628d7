"""The relay with real parts: order per payment, nothing lost by a crash, a new broker, and recovery without Kafka."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from compose.embedded import kafka as broker
from compose.embedded.process import clean_environment
from gateway.adapters.kafka import EventPublisher
from tests.integration.events_world import Books, first_times, open_books, read_topic, sequences, until
from tests.parts import Database, Parts


@pytest.fixture
async def books(database: Database, parts: Parts, tmp_path: Path) -> AsyncIterator[Books]:
    async with open_books(database, parts, tmp_path) as opened:
        yield opened


async def test_two_relays_keep_the_order_of_each_payment(books: Books) -> None:
    merchant = await books.merchant()
    async with books.running("relay"), books.running("relay"):
        payments = await asyncio.gather(*(books.pay(merchant) for _ in range(60)))
        await until(lambda: _sent(books))
    found = sequences(read_topic(books.kafka, books.topic))
    assert {payment: first_times(found[payment]) for payment in payments} == {payment: [1, 2] for payment in payments}


async def test_events_of_a_relay_killed_between_send_and_mark_are_sent_again(books: Books) -> None:
    """Goal: kill -9 after Kafka's acknowledgement and before the mark costs a repetition, and no event."""
    merchant = await books.merchant()
    await until(lambda: _drained(books))
    payment = await books.pay(merchant)
    async with books.running("relay", healthy=False, PAYERA_FAILPOINTS="relay.after=exit") as dying:
        assert await asyncio.to_thread(dying.popen.wait, 20) == -9
    assert await books.lag() == 2
    async with books.running("relay"), books.running("reporting") as reporting:
        await until(lambda: _sent(books))
        await until(lambda: books.value("select count(*) = 2 from core.event_archive where payment_id = $1", payment))
        assert reporting.exit_code() is None
    events = [event for event in read_topic(books.kafka, books.topic) if event["subject"] == payment]
    assert [event["sequence"] for event in events] == [1, 2, 1, 2]
    # The effect came once: the archive has each event once, and the totals count the payment once.
    totals = await books.rows(
        "select type, count, amount from core.daily_total where merchant = $1 order by type", merchant
    )
    assert totals == [
        {"type": "payment.captured", "count": 1, "amount": 4200},
        {"type": "payment.created", "count": 1, "amount": 4200},
    ]


async def test_a_new_broker_gets_every_event_again(books: Books, tmp_path: Path) -> None:
    merchant = await books.merchant()
    payments = {await books.pay(merchant) for _ in range(3)}
    everything = await books.value("select count(*) from core.event")
    for life in ("first", "second"):
        (tmp_path / life).mkdir()
        with broker.running(tmp_path / life) as books.kafka:
            async with books.running("relay"):
                await until(lambda: _sent(books))
            found = read_topic(books.kafka, books.topic)
            assert len(found) == everything
            assert {payment: sequences(found)[payment] for payment in payments} == {key: [1, 2] for key in payments}


async def test_the_cluster_is_named_after_its_life(parts: Parts, tmp_path: Path) -> None:
    """Goal: the little broker forgets all on a restart, so publishers agree on a name, and a new life has another."""
    names = []
    with broker.running(tmp_path) as other:
        for address in (parts.kafka, parts.kafka, other):
            publisher = EventPublisher(address, "payera.test.names")
            try:
                await publisher.open()
                names.append(publisher.cluster)
                await publisher.check()
            finally:
                await publisher.close()
    assert names[0] == names[1]
    assert names[2] != names[0]


async def test_recovery_does_not_wait_for_kafka(books: Books) -> None:
    """Goal: with no Kafka at all a crashed attempt becomes unknown and its workflow is started, while events wait."""
    books.kafka = "127.0.0.1:9"
    merchant = await books.merchant()
    payment, operation = await books.begin(merchant, lease_ms=200)
    async with books.running("relay", healthy=False) as relay:
        status = "select status from core.operation where id = $1"
        await until(lambda: _is(books, "unknown", status, operation))
        await until(lambda: _is(books, 0, "select count(*) from core.workflow_order where payment_id = $1", payment))
        assert await _workflow_of(books, payment) == "RUNNING"
        assert await books.lag() >= 1
        assert relay.exit_code() is None


async def test_orders_wait_until_temporal_acknowledges(books: Books) -> None:
    """Goal: with Temporal away events flow and the order stays; when it answers the order is done."""
    temporal, books.temporal = books.temporal, "127.0.0.1:9"
    merchant = await books.merchant()
    payment, _ = await books.begin(merchant, lease_ms=100)
    waiting = "select count(*) from core.workflow_order where payment_id = $1"
    async with books.running("relay", healthy=False) as relay:
        await until(lambda: _sent(books))
        await until(lambda: _is(books, 1, waiting, payment))
        await until(lambda: _logged(relay.log, "orders_not_acknowledged"))
        assert await books.value(waiting, payment) == 1
    books.temporal = temporal
    async with books.running("relay"):
        await until(lambda: _is(books, 0, waiting, payment))
    assert await _workflow_of(books, payment) == "RUNNING"


async def test_card_codes_past_their_time_are_destroyed_with_their_keys(books: Books) -> None:
    keys = books.folder / "keys" / "cvv"
    token = "tok_01hzzzzzzzzzzzzzzzzzzzzzzz"
    (keys / token).write_bytes(b"k" * 32)
    merchant = await books.merchant()
    await books.begin(merchant)
    await books.admin.execute(
        "insert into vault.token (id, merchant, ciphertext, key_id, fingerprint, bin, last4, brand, exp_month,"
        " exp_year, created_at) values ($1, $2, '-', '-', 'f', '424242', '4242', 'visa', 12, 2030, now())",
        token,
        merchant,
    )
    await books.admin.execute(
        "insert into vault.cvv (token_id, merchant, ciphertext, expires_at)"
        " values ($1, $2, '-', now() - interval '1 s')",
        token,
        merchant,
    )
    async with books.running("relay"):
        await until(lambda: _is(books, 0, "select count(*) from vault.cvv where token_id = $1", token))
        await until(lambda: _gone(keys / token))


@pytest.mark.parametrize("name", ["relay", "dispatcher", "reporting"])
def test_a_process_without_settings_says_which(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"gateway.{name}"],
        env=clean_environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "PAYERA_KAFKA" in done.stderr
    assert "PAYERA_SYSTEM_DATABASE" in done.stderr
    assert "Traceback" not in done.stderr


async def _sent(books: Books) -> bool:
    return await books.lag() == 0


async def _drained(books: Books) -> bool:
    """Other tests of this module left their events in the database: take them as seen."""
    await books.admin.execute("delete from core.outbox")
    return True


async def _is(books: Books, expected: object, query: str, *arguments: object) -> bool:
    return bool(await books.value(query, *arguments) == expected)


async def _gone(path: Path) -> bool:
    return not await asyncio.to_thread(path.exists)


async def _logged(log: Path, word: str) -> bool:
    return word in await asyncio.to_thread(log.read_text)


async def _workflow_of(books: Books, payment: str) -> str:
    from temporalio.client import Client

    client = await Client.connect(books.temporal, namespace="payera")
    description = await client.get_workflow_handle(payment).describe()
    assert description.status is not None
    return description.status.name
