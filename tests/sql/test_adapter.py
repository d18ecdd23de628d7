"""The adapter: refusals become the domain's errors, an unreachable database is `StoreUnavailable`, nothing else."""

import asyncio
import socket
from typing import Any

import asyncpg
import pytest

from gateway.adapters import postgres
from gateway.domain.errors import Bug, StoreUnavailable
from tests.parts import Database
from tests.sql.world import World, approved, at, new_merchant


async def test_an_unreachable_database(database: Database) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dsn = f"postgresql://payera_app@127.0.0.1:{free.getsockname()[1]}/none"
        with pytest.raises(StoreUnavailable, match="cannot connect"):
            await postgres.Database(dsn, timeout_s=2).open()
        with pytest.raises(StoreUnavailable, match="cannot listen"):
            async with postgres.Database(dsn, timeout_s=2).listen({"payera_order": lambda: None}):
                pass
    store = postgres.Database(database.app)
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.call("payment_list_v1", "mer_1", {})
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.system("outbox_lag_v1", {})


async def test_a_connection_that_is_cut_is_unavailable_once(database: Database) -> None:
    async with postgres.Database(database.app, database.system, connections_max=1) as store:
        world = await new_merchant(store)
        admin = await asyncpg.connect(database.superuser)
        await admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and usename = 'payera_app'"
        )
        await admin.close()
        # The cut is noticed by a call, or by the pool just before it; either way the next one works.
        for _ in range(2):
            try:
                answer = await world.call("payment_list_v1")
            except StoreUnavailable:
                continue
        assert answer["data"] == []


async def test_a_call_that_takes_too_long(world: World, database: Database) -> None:
    payment_id = await world.paid(captured=False)
    locker = await asyncpg.connect(database.superuser)
    async with postgres.Database(database.app, timeout_s=0.3) as store:
        async with locker.transaction():
            await locker.execute("select from core.payment where id = $1 for update", payment_id)
            with pytest.raises(StoreUnavailable, match="TimeoutError"):
                await World(store, world.merchant).operation("capture", payment_id)
        begun = await World(store, world.merchant).operation("capture", payment_id)
        assert begun["result"] == "begun"
    await locker.close()


async def test_losing_the_listening_connection_is_told(database: Database, world: World) -> None:
    async with world.database.listen({"payera_outbox": lambda: None}) as lost:
        admin = await asyncpg.connect(database.superuser)
        await admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where query like 'LISTEN%' and datname = current_database()"
        )
        await admin.close()
        await asyncio.wait_for(lost.wait(), 10)


@pytest.mark.parametrize("name", ["payment_get", "payment_get_v1(); drop table x; --", "Payment_v1", ""])
async def test_only_names_of_procedures_are_called(world: World, name: str) -> None:
    with pytest.raises(Bug, match="function_name_invalid"):
        await world.database.call(name, world.merchant, {})


async def test_our_own_mistakes_do_not_quote_rows(world: World) -> None:
    """A constraint that fires is a bug; its detail would quote the row, so only class and SQLSTATE are told."""
    begun = await world.begin()
    p: dict[str, Any] = {"payment_id": begun["payment"]["id"]}
    with pytest.raises(Bug) as caught:
        await world.begin(**p)
    assert (caught.value.code, caught.value.detail) == ("database_refused", "UniqueViolationError (23505)")
    with pytest.raises(Bug, match="23514"):
        await world.begin(amount=0)
    with pytest.raises(Bug, match="22007"):
        await world.begin(at="noon")
    assert (await world.payment(begun["payment"]["id"]))["created_at"] == at().replace("+00:00", ".000Z")


async def test_no_table_is_read_whole(database: Database) -> None:
    """Goal: a call costs the same however many rows there are. Method: count sequential scans over a payment's life."""
    admin = await asyncpg.connect(database.superuser)
    query = """
        select relname, seq_scan from pg_stat_user_tables
        where schemaname in ('core', 'vault') and relname not like '%_transition' order by relname
    """
    await admin.execute("analyze")
    before = await admin.fetch(query)
    async with postgres.Database(database.app, database.system) as store:
        world = await new_merchant(store)
        for _ in range(8):  # past the executions that are planned one by one
            payment_id = await world.paid()
            begun = await world.operation("refund", payment_id)
            await world.apply(begun["dispatch"], approved())
            await world.plan(payment_id)
            await world.call("payment_list_v1", limit=2)
            rows = await store.system("outbox_claim_v1", {"relay": "r", "limit": 100, "lease_ms": 60_000})
            sent = {"relay": "r", "ids": [row["id"] for row in rows], "cluster": "c"}
            await store.system("outbox_sent_v1", sent)
            await store.system("recovery_sweep_v1", {"limit": 100, "at": at()})
    # A backend reports its figures when it ends; until it has ended, the next question asks again.
    async with asyncio.timeout(20):
        while await admin.fetchval(  # noqa: ASYNC110 - another process's state, no event tells of it
            "select count(*) > 0 from pg_stat_activity where datname = current_database() and usename like 'payera%'"
        ):
            await asyncio.sleep(0.05)
    after = await admin.fetch(query)
    await admin.close()
    assert {row["relname"]: row["seq_scan"] for row in after} == {row["relname"]: row["seq_scan"] for row in before}
