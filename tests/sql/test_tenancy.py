"""Tenants and roles: fail-closed row-level security, functions only, no leak on pooled connections (SEC-01, SEC-02)."""

import asyncio
from typing import Any

import asyncpg
import orjson
import pytest

from gateway.adapters import postgres
from gateway.domain.errors import Bug, PayeraError
from gateway.domain.ids import new_id
from tests.parts import Database
from tests.sql.world import LEASE, World, approved, at, new_merchant

CALLS = 100_000


@pytest.fixture
async def superuser(database: Database) -> Any:
    connection = await asyncpg.connect(database.superuser)
    yield connection
    await connection.close()


async def test_every_table_with_a_merchant_is_forced(superuser: Any) -> None:
    rows = await superuser.fetch(
        """
        select c.oid::regclass::text as name, c.relrowsecurity and c.relforcerowsecurity as forced,
               pg_get_userbyid(c.relowner) as owner
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('core', 'vault') and c.relkind = 'r'
          and (c.relname = 'merchant'
               or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'merchant'))
        """
    )
    assert len(rows) >= 19
    assert [row["name"] for row in rows if not row["forced"] or row["owner"] != "payera_owner"] == []


async def test_nothing_set_means_no_rows(world: World, superuser: Any) -> None:
    """As the owner itself, whom FORCE holds: without a tenant, with an empty, another, and the right one."""
    await world.paid()
    tables = [
        "core.payment",
        "core.operation",
        "core.event",
        "core.idempotency",
        "vault.token",
        "core.ledger_line",
        "core.merchant",
    ]
    async with superuser.transaction():
        await superuser.execute("set local role payera_owner")
        for tenant, rows in ((None, False), ("", False), ("mer_other", False), (world.merchant, True)):
            if tenant is not None:
                await superuser.execute("select set_config('payera.merchant', $1, true)", tenant)
            for table in tables:
                found = await superuser.fetchval(f"select count(*) from {table}")
                if table != "core.idempotency":
                    assert (found > 0) == rows, (tenant, table)


async def test_a_row_for_another_tenant_is_refused(world: World, superuser: Any) -> None:
    await world.paid()
    async with superuser.transaction():
        await superuser.execute("set local role payera_owner")
        await superuser.execute("select set_config('payera.merchant', $1, true)", world.merchant)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await superuser.execute("update core.payment set merchant = 'mer_other'")


async def test_a_call_without_a_tenant_is_a_bug(world: World) -> None:
    with pytest.raises(Bug, match="tenant_missing"):
        await world.database.call("payment_list_v1", "", {})


@pytest.mark.parametrize("user", ["app", "system"])
async def test_logins_reach_no_table(database: Database, superuser: Any, user: str) -> None:
    names = await superuser.fetch(
        "select schemaname || '.' || tablename as name from pg_tables where schemaname in ('core', 'vault')"
    )
    connection = await asyncpg.connect(getattr(database, user))
    try:
        for row in names:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"select from {row['name']}")
        for schema in ("core", "vault", "api", "sys", "public"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"create table {schema}.mine (x int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("set role payera_owner")
    finally:
        await connection.close()


async def test_who_may_execute_what(superuser: Any) -> None:
    rows = await superuser.fetch(
        """
        select n.nspname as schema, p.proname as name, pg_get_userbyid(p.proowner) as owner, p.prosecdef as definer,
               coalesce(array_to_string(p.proconfig, ','), '') as config,
               has_function_privilege('public', p.oid, 'execute') as public,
               has_function_privilege('payera_app', p.oid, 'execute') as app,
               has_function_privilege('payera_relay', p.oid, 'execute') as relay
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ('api', 'sys', 'core', 'vault')
        """
    )
    assert not any(row["public"] for row in rows)
    by_schema = {name: [row for row in rows if row["schema"] == name] for name in ("api", "sys", "core")}
    assert all(row["app"] and not row["relay"] and row["owner"] == "payera_owner" for row in by_schema["api"])
    assert all(row["relay"] and row["owner"] == "payera_system" for row in by_schema["sys"])
    assert {row["name"] for row in by_schema["sys"] if row["app"]} == {
        "api_key_lookup_v1",
        "provider_account_lookup_v1",
    }
    assert not any(row["app"] or row["relay"] for row in by_schema["core"])
    for row in by_schema["api"] + by_schema["sys"]:
        assert row["definer"], row["name"]
        assert "search_path=core, vault, pg_temp" in row["config"], row["name"]


async def test_roles_are_what_they_should_be(superuser: Any) -> None:
    rows = await superuser.fetch(
        "select rolname, rolcanlogin, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication"
        " as strong "
        "from pg_roles where rolname like 'payera\\_%'"
    )
    assert {(row["rolname"], row["rolcanlogin"]) for row in rows} == {
        ("payera_owner", False), ("payera_system", False), ("payera_app", True), ("payera_relay", True),
    }  # fmt: skip
    assert not any(row["strong"] for row in rows)


async def test_the_application_may_not_cross_tenants(database: Database) -> None:
    async with postgres.Database(database.app) as app:
        for function in ("outbox_claim_v1", "merchant_create_v1", "recovery_sweep_v1", "delivery_claim_v1"):
            with pytest.raises(Bug, match="InsufficientPrivilege"):
                await app.system(function, {})


async def outcome_of(world: World, function: str, p: dict[str, Any]) -> Any:
    """What a caller learns: the answer, or class, code and text of the refusal."""
    try:
        return await world.call(function, **p)
    except PayeraError as refusal:
        return type(refusal), refusal.code, refusal.detail


async def test_another_tenants_ids_read_as_ids_that_do_not_exist(world: World) -> None:
    """Goal: no function that takes an id tells B of A's. Method: the same call with A's id and with a fresh one."""
    other = await new_merchant(world.database)
    mine = await world.begin(idempotency={"scope": "s", "key": "k", "fingerprint": "f"})
    payment_id, operation_id = mine["payment"]["id"], mine["dispatch"]["operation_id"]
    await world.apply(mine["dispatch"], approved(reference="psp_secret"))
    refund = await world.operation("refund", payment_id)
    event_id = (await world.call("event_list_v1", payment_id=payment_id))["data"][0]["id"]
    endpoint = await world.call(
        "webhook_endpoint_create_v1",
        endpoint_id=new_id("we"), url="https://x", enabled_events=["*"], secret_ciphertext="s", key_id="k", at=at(),
    )  # fmt: skip
    await world.database.system("delivery_plan_v1", {"events": [{"id": event_id}], "at": at()})
    delivery = (await world.call("delivery_list_v1"))["data"][0]
    apply = {"epoch": 1, "outcome": approved(), "cascade": False, "at": at(), "source": "inline", "event_ids": []}
    begin = {"operation_id": new_id("att"), "event_id": new_id("evt"), "at": at(), **LEASE}
    cases: list[tuple[str, str, str, dict[str, Any]]] = [
        *((f, "payment_id", payment_id, {}) for f in (
            "payment_get_v1", "payment_plan_v1", "payment_attempts_v1", "payment_operations_v1", "payment_ledger_v1",
            "event_list_v1", "refund_list_v1", "capture_list_v1",
        )),
        *((f, "payment_id", payment_id, begin) for f in (
            "attempt_begin_v1", "capture_begin_v1", "cancel_begin_v1", "refund_begin_v1",
        )),
        ("payment_apply_v1", "operation_id", operation_id, apply),
        ("operation_claim_v1", "operation_id", operation_id, {"at": at(), **LEASE}),
        ("operation_review_v1", "operation_id", operation_id, {"epoch": 1, "reason": "x", "at": at(), "event_ids": []}),
        ("reversal_begin_v1", "of", operation_id, begin),
        ("refund_get_v1", "refund_id", refund["refund"]["id"], {}),
        ("event_get_v1", "event_id", event_id, {}),
        ("event_list_v1", "cursor", event_id, {}),
        ("payment_list_v1", "cursor", payment_id, {}),
        ("token_get_v1", "token_id", mine["payment"]["token"], {}),
        ("payment_begin_v1", "token_id", mine["payment"]["token"], {
            "payment_id": new_id("pay"), "amount": 1, "currency": "EUR", "capture_method": "manual",
            "cascade_until": at(60), **begin,
        }),
        ("idempotency_get_v1", "key", "k", {"scope": "s"}),
        ("webhook_endpoint_get_v1", "endpoint_id", endpoint["id"], {}),
        ("webhook_endpoint_update_v1", "endpoint_id", endpoint["id"], {"url": "https://evil", "at": at()}),
        ("webhook_endpoint_delete_v1", "endpoint_id", endpoint["id"], {"at": at()}),
        ("delivery_replay_v1", "delivery_id", delivery["id"], {"at": at()}),
        ("delivery_list_v1", "endpoint_id", endpoint["id"], {}),
        *((f, "account_id", world.accounts["stripe"], {"at": at()}) for f in (
            "provider_account_get_v1", "provider_account_delete_v1",
        )),
        ("webhook_receive_v1", "account_id", world.accounts["stripe"], {
            "facts": [{"event_id": "e", "event_type": "t", "provider_reference": "psp_secret"}], "at": at(),
            "order_id": new_id("ord"),
        }),
    ]  # fmt: skip
    for function, name, value, rest in cases:
        fresh = new_id(value.split("_", maxsplit=1)[0])
        theirs = await outcome_of(other, function, {**rest, name: value})
        nobodys = await outcome_of(other, function, {**rest, name: fresh})
        assert theirs == nobodys, function
    # B's own notification that names A's operation matches nothing.
    stored = await other.call(
        "webhook_receive_v1",
        account_id=other.accounts["stripe"],
        facts=[{"event_id": "e", "event_type": "t", "operation_id": operation_id, "provider_reference": "psp_secret"}],
        at=at(),
        order_id=new_id("ord"),
    )
    assert stored == {"stored": 1, "duplicates": 0, "payments": []}
    assert (await world.call("webhook_endpoint_get_v1", endpoint_id=endpoint["id"]))["url"] == "https://x"
    assert (await world.payment(payment_id))["status"] == "captured"


@pytest.mark.slow
async def test_a_hundred_thousand_alternating_calls_leak_nothing(world: World, database: Database) -> None:
    """Goal: on pooled connections a tenant never stays set. Method: two merchants in turn on the same four connections,
    each asking for the other's payments: 16,000 times by id, each a transaction of its own, 54,000 times by list and
    30,000 times by notification, where a statement makes 20 calls that alternate the tenant inside one transaction as
    well. Not one foreign row, and every answer equal to the one for an id that does not exist.
    """
    pair = Pair(world, await new_merchant(world.database))
    await pair.prepare()
    async with asyncpg.create_pool(database.app, min_size=4, max_size=4, reset=as_the_adapter_does) as pool:
        jobs = [pair.by_id] * 16_000 + [pair.by_list] * 2_700 + [pair.by_notification] * 1_500
        await asyncio.gather(*(worker(pool, jobs[start::8]) for start in range(8)))
    assert pair.calls == 100_000
    assert pair.not_found == {("PA404", "payment_not_found", "No such payment.")}


async def as_the_adapter_does(_: object) -> None:
    """Nothing is reset between two uses of a connection: what a call left behind would be found."""


async def worker(pool: Any, jobs: list[Any]) -> None:
    for job in jobs:
        async with pool.acquire() as connection:
            await job(connection)


class Pair:
    """Two merchants that ask for each other's payments, in turn."""

    def __init__(self, *worlds: World) -> None:
        self.worlds = worlds
        self.ids: dict[str, list[str]] = {}
        self.references: dict[str, str] = {}
        self.calls = 0
        self.not_found: set[tuple[str, str, str]] = set()

    async def prepare(self) -> None:
        for world in self.worlds:
            self.ids[world.merchant] = [await world.paid() for _ in range(3)]
            operations = await world.call("payment_operations_v1", payment_id=self.ids[world.merchant][0])
            self.references[world.merchant] = operations["data"][0]["provider_reference"]

    def turn(self) -> tuple[World, World, int]:
        self.calls += 1
        return self.worlds[self.calls % 2], self.worlds[(self.calls + 1) % 2], self.calls

    async def by_id(self, connection: Any) -> None:
        me, them, number = self.turn()
        asked = new_id("pay") if number % 3 == 0 else self.ids[them.merchant][number % 3]
        query = "select api.payment_get_v1($1, jsonb_build_object('payment_id', $2::text))"
        try:
            await connection.fetchval(query, me.merchant, asked)
        except asyncpg.PostgresError as refusal:
            said = refusal.as_dict()
            self.not_found.add((said["sqlstate"], said["message"], said["detail"]))
        else:
            pytest.fail(f"{me.merchant} can read {asked}")

    async def by_list(self, connection: Any) -> None:
        turns = [self.turn() for _ in range(20)]
        asked = []
        for _, them, number in turns:
            foreign = self.ids[them.merchant][0]
            asked.append(
                [{"limit": 3}, {"limit": 3, "cursor": foreign}, {"limit": 3, "reference": foreign}][number % 3]
            )
        for (me, _, number), answer in zip(turns, await many(connection, "payment_list_v1", turns, asked), strict=True):
            found = [payment["id"] for payment in answer["data"]]
            assert set(found) <= set(self.ids[me.merchant])
            if number % 3 == 0:
                assert found == sorted(self.ids[me.merchant], reverse=True)
        assert await connection.fetchval("select coalesce(current_setting('payera.merchant', true), '')") == ""

    async def by_notification(self, connection: Any) -> None:
        turns = [self.turn() for _ in range(20)]
        asked = [
            {
                "account_id": me.accounts["stripe"],
                "at": at(),
                "facts": [
                    {
                        "event_id": str(number),
                        "event_type": "t",
                        "operation_id": self.ids[them.merchant][0],
                        "provider_reference": self.references[them.merchant],
                    }
                ],
            }
            for me, them, number in turns
        ]
        for answer in await many(connection, "webhook_receive_v1", turns, asked):
            assert answer == {"stored": 1, "duplicates": 0, "payments": []}


async def many(connection: Any, function: str, turns: list[Any], asked: list[Any]) -> list[Any]:
    """One statement, one call per turn, each with its own tenant."""
    query = f"select api.{function}(m, p::jsonb)::text as answer from unnest($1::text[], $2::text[]) as t (m, p)"
    merchants = [me.merchant for me, _, _ in turns]
    rows = await connection.fetch(query, merchants, [orjson.dumps(p).decode() for p in asked])
    return [orjson.loads(row["answer"]) for row in rows]
