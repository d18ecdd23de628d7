"""One payment's story in order of time: API calls, attempts, what the PSPs saw and moved, ledger, events, webhooks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from scenarios.runner import money

OPERATIONS = """
select id, kind, provider, status, amount, currency, outcomes, reason, cause, surplus,
       extract(epoch from created_real)::float8 as began, extract(epoch from settled_at)::float8 as settled
  from core.operation where payment_id = $1 order by created_real
"""
LEDGER = """
select t.kind, extract(epoch from t.at)::float8 as at, l.account, l.currency, l.amount
  from core.ledger_transaction t join core.ledger_line l on l.transaction_id = t.id
 where t.payment_id = $1 order by t.position, l.line
"""
EVENTS = """
select type, sequence, extract(epoch from at)::float8 as at from core.event where payment_id = $1 order by sequence
"""
DELIVERIES = """
select event_type, status, attempts, status_code, extract(epoch from coalesce(delivered_at, created_at))::float8 as at
  from core.delivery where payment_id = $1 order by created_at
"""

REVIEWS = """
select operation_id, reason, resolution, resolved_by, extract(epoch from opened_at)::float8 as opened,
       extract(epoch from resolved_at)::float8 as resolved
  from core.review where payment_id = $1 order by opened_at
"""


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the story. `at` is in seconds since the epoch; `source` says who tells it."""

    at: float
    source: str
    text: str


async def from_database(dsn: str, payment: str) -> list[Moment]:
    """What the gateway's database knows of a payment."""
    connection = await asyncpg.connect(dsn)
    try:
        moments: list[Moment] = []
        for row in await connection.fetch(OPERATIONS, payment):
            moments += _operation(row)
        for row in await connection.fetch(LEDGER, payment):
            amount = money.written(row["amount"], row["currency"])
            moments.append(Moment(row["at"], "ledger", f"{row['kind']}: {row['account']} {amount}"))
        for row in await connection.fetch(EVENTS, payment):
            moments.append(Moment(row["at"], "event", f"{row['sequence']} {row['type']}"))
        for row in await connection.fetch(REVIEWS, payment):
            moments += _review(row)
        for row in await connection.fetch(DELIVERIES, payment):
            shown = f"{row['event_type']} {row['status']} ({row['status_code']}, {row['attempts']} tries)"
            moments.append(Moment(row["at"], "webhook", shown))
        return moments
    finally:
        await connection.close()


def _operation(row: asyncpg.Record) -> list[Moment]:
    what = f"{row['kind']} at {row['provider']}"
    amount = money.written(row["amount"], row["currency"])
    moments = [Moment(row["began"], "gateway", f"{what} begins: {amount} ({row['id']})")]
    if row["settled"] is not None:
        outcome = " → ".join(row["outcomes"]) or row["status"]
        extra = [word for word in (row["reason"], row["cause"], "surplus" if row["surplus"] else None) if word]
        tail = f" ({', '.join(extra)})" if extra else ""
        moments.append(Moment(row["settled"], "gateway", f"{what} is {row['status']}: {outcome}{tail}"))
    return moments


def _review(row: asyncpg.Record) -> list[Moment]:
    moments = [Moment(row["opened"], "review", f"{row['operation_id']} waits for an operator: {row['reason']}")]
    if row["resolved"] is not None:
        by = f" by {row['resolved_by']}" if row["resolved_by"] else ""
        moments.append(Moment(row["resolved"], "review", f"{row['operation_id']} is resolved{by}: {row['resolution']}"))
    return moments


def from_requests(provider: str, rows: Iterable[Mapping[str, Any]], operations: frozenset[str]) -> list[Moment]:
    """What a simulator received about these operations; reads and retries included."""
    moments = []
    for row in rows:
        known = {row.get("reference"), row.get("idempotency_key")} & operations
        if not known and row.get("operation") != "read":
            continue
        faults = f", fault: {_words(row['fault'])}" if row.get("fault") else ""
        status = row["status"] if row.get("status") is not None else "no answer"
        text = f"{row['method']} {row['path']} ({row['operation']}) → {status}{faults}"
        moments.append(Moment(seconds_of(row["at"]), provider, text))
    return moments


def from_journal(provider: str, rows: Iterable[Mapping[str, Any]], payment: str) -> list[Moment]:
    """What a simulator's journal says of the payment."""
    return [
        Moment(
            seconds_of(row["at"]), provider, f"journal: {row['kind']} {money.written(row['amount'], row['currency'])}"
        )
        for row in rows
        if row.get("payment") == payment
    ]


def from_calls(calls: Iterable[Mapping[str, Any]], payment: str) -> list[Moment]:
    """What a client asked and was told: rows `{started, ended, method, path, status, subject}`."""
    moments = []
    for call in calls:
        if call.get("subject") != payment or call["method"] == "GET":
            continue
        moments.append(Moment(call["started"], "client", f"{call['method']} {call['path']}"))
        status = call["status"] if call["status"] is not None else "the connection broke"
        moments.append(Moment(call["ended"], "client", f"{call['method']} {call['path']} → {status}"))
    return moments


def seconds_of(at: Any) -> float:
    """A simulator's time, ISO 8601 or seconds, as seconds since the epoch."""
    if isinstance(at, int | float):
        return float(at)
    moment = datetime.fromisoformat(str(at))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def lines(moments: Iterable[Moment]) -> list[str]:
    """The story as text: milliseconds since its beginning, who, what."""
    ordered = sorted(moments, key=lambda moment: moment.at)
    if not ordered:
        return ["(nothing is known of it)"]
    start = ordered[0].at
    return [f"{(moment.at - start) * 1000:9.0f} ms  {moment.source:<10} {moment.text}" for moment in ordered]


def _words(fault: Any) -> str:
    return ", ".join(map(str, fault)) if isinstance(fault, list | tuple) else str(fault)
