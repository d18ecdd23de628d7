"""The gateway's database, read directly and past all of its functions: for judging only, never for driving."""

import json
from typing import Any

import asyncpg

from scenarios.runner.evidence import Dispute, Line, Operation, Payment, Posting

RESTING = """
select p.id, 'payment is processing' as why
  from core.payment p where p.merchant = $1 and p.status = 'processing'
union all
select o.payment_id, o.kind || ' ' || o.id || ' at ' || o.provider || ' is ' || o.status
  from core.operation o where o.merchant = $1 and o.status in ('dispatched', 'unknown', 'pending')
union all
select o.payment_id, o.kind || ' ' || o.id || ' at ' || o.provider || ' has a hint from the PSP to look at'
  from core.operation o where o.merchant = $1 and o.hinted
union all
select o.payment_id, o.kind || ' ' || o.id || ' at ' || o.provider || ' is surplus and not reversed'
  from core.operation o where o.merchant = $1 and o.surplus and o.status = 'approved'
union all
select p.id, 'cancel was requested, the payment is ' || p.status
  from core.payment p
 where p.merchant = $1 and p.cancel_requested_at is not null and p.status in ('authorized', 'processing')
union all
select w.payment_id, 'an order for its workflow waits'
  from core.workflow_order w where w.merchant = $1
union all
select e.payment_id, 'event ' || e.type || ' is not sent'
  from core.outbox u join core.event e using (position) where e.merchant = $1
union all
select d.payment_id, 'webhook ' || d.event_type || ' is not delivered, ' || d.attempts || ' tries'
  from core.delivery d where d.merchant = $1 and d.status = 'pending'
"""
"""Everything that may still change by itself, with the payment and in words."""


class Store:
    """A small pool of superuser connections (row-level security does not apply to them)."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def start(self) -> None:
        """Connect."""
        self._pool = await asyncpg.create_pool(self._dsn, min_size=1, max_size=4)

    async def stop(self) -> None:
        """Disconnect."""
        if self._pool is not None:
            await self._pool.close()

    async def _rows(self, query: str, *values: Any) -> list[asyncpg.Record]:
        if self._pool is None:
            raise RuntimeError("the store was not started")
        return list(await self._pool.fetch(query, *values))

    async def unrest(self, merchant: str) -> list[tuple[str, str]]:
        """What may still change by itself: (payment id, why). Empty at rest."""
        return [(row["id"], row["why"]) for row in await self._rows(RESTING, merchant)]

    async def payments(self, merchant: str) -> list[Payment]:
        """A merchant's payments, oldest first."""
        rows = await self._rows(
            "select id, status, amount, currency, amount_authorized, amount_captured, amount_refunded,"
            "       amount_disputed from core.payment where merchant = $1 order by id",
            merchant,
        )
        return [Payment(**dict(row)) for row in rows]

    async def operations(self, merchant: str) -> list[Operation]:
        """A merchant's operations, oldest first."""
        rows = await self._rows(
            "select id, payment_id as payment, kind, provider, status, amount, currency, provider_reference, outcomes,"
            "       surplus, supersedes, superseded_by, created_real::text as created_at,"
            "       settled_at::text as settled_at"
            "  from core.operation where merchant = $1 order by created_real, id",
            merchant,
        )
        return [Operation(**{**dict(row), "outcomes": tuple(row["outcomes"])}) for row in rows]

    async def disputes(self, merchant: str) -> list[Dispute]:
        """A merchant's disputes, oldest first."""
        rows = await self._rows(
            "select id, payment_id as payment, provider, status, amount, currency"
            "  from core.dispute where merchant = $1 order by id",
            merchant,
        )
        return [Dispute(**dict(row)) for row in rows]

    async def ledger(self, merchant: str) -> list[Posting]:
        """A merchant's ledger transactions with their lines, per payment in order."""
        rows = await self._rows(
            "select t.id, t.payment_id as payment, t.kind, t.operation_id as operation, t.hash, t.previous_hash,"
            "       coalesce((select json_agg(json_build_array(l.account, l.currency, l.amount) order by l.line)"
            "                   from core.ledger_line l where l.transaction_id = t.id), '[]')::text as lines"
            "  from core.ledger_transaction t where t.merchant = $1 order by t.payment_id, t.position",
            merchant,
        )
        return [
            Posting(**{**dict(row), "lines": tuple(Line(*line) for line in json.loads(row["lines"]))}) for row in rows
        ]

    async def events(self, merchant: str) -> list[dict[str, Any]]:
        """A merchant's events as published, per payment in the order of their sequence."""
        rows = await self._rows(
            "select event::text as event from core.event where merchant = $1 order by payment_id, sequence", merchant
        )
        return [json.loads(row["event"]) for row in rows]

    async def dead_letters(self, merchant: str) -> dict[str, frozenset[str]]:
        """Ids of the events whose delivery was given up, per endpoint."""
        rows = await self._rows(
            "select endpoint_id, array_agg(event_id) as events from core.delivery"
            " where merchant = $1 and status = 'dead' group by endpoint_id",
            merchant,
        )
        return {row["endpoint_id"]: frozenset(row["events"]) for row in rows}

    async def imbalance(self) -> list[tuple[str, int]]:
        """Currencies in which the whole ledger, over all merchants, does not add up to zero, with the difference."""
        rows = await self._rows(
            "select currency, sum(amount)::bigint as off from core.ledger_line"
            " group by currency having sum(amount) <> 0"
        )
        return [(row["currency"], row["off"]) for row in rows]
