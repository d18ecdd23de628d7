"""What must be true after the storm, from sources that know nothing of each other: clients, PSPs, database, topic."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import asyncpg

from scenarios.runner.evidence import Evidence
from scenarios.runner.invariants import judge_all
from tests.chaos.traffic import Asked

EXPECTED = {
    "sale": {"captured"},
    "capture": {"captured"},
    "partial": {"captured"},
    "refund": {"captured"},
    "cancel": {"canceled"},
    "refused": {"declined"},
}
TROUBLED = {"failed", "declined", "needs_review"}
"""How a payment may end besides, where PSPs are told to misbehave."""


@dataclass(slots=True)
class Verdict:
    """`findings` is empty if all is well; `figures` are the sums that were compared, in minor units."""

    findings: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)


async def judge(postgres: str, evidence: Sequence[Evidence], asked: Sequence[Asked], troubled_psps: bool) -> Verdict:
    """Compare everything with everything."""
    verdict = Verdict()
    merchants = [each.merchant for each in evidence]
    connection = await asyncpg.connect(postgres)
    try:
        rows = await connection.fetch(
            "select id, reference, status, amount_captured - amount_refunded as kept from core.payment"
            " where merchant = any($1)",
            merchants,
        )
        off = await connection.fetch(
            "select currency, sum(amount)::bigint as off from core.ledger_line"
            " group by currency having sum(amount) <> 0"
        )
    finally:
        await connection.close()
    by_reference: dict[str, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        by_reference[row["reference"]].append(row)
        verdict.statuses[row["status"]] += 1
    verdict.findings += [f"the ledger of all merchants is off by {row['off']} {row['currency']}" for row in off]
    verdict.findings += [str(each) for each in judge_all(evidence)]
    _sums(verdict, evidence, sum(row["kept"] for row in rows))
    _counts(verdict, evidence)
    verdict.findings += asked_and_had(asked, by_reference, troubled_psps)  # last: the longest list
    return verdict


def asked_and_had(asked: Iterable[Asked], rows: dict[str, list[asyncpg.Record]], troubled_psps: bool) -> Iterable[str]:
    """Each payment asked for is there once, under the id that its client was told, with the end that it must have."""
    known = set()
    for each in asked:
        known.add(each.reference)
        found = rows.get(each.reference, [])
        if each.gave_up:
            yield f"{each.reference} ({each.kind}): {each.gave_up}"
        if each.barred and not found:
            continue
        if len(found) != 1:
            word = "lost" if not found else f"doubled: {[row['id'] for row in found]}"
            yield f"{each.reference} ({each.kind}, told {each.payment}) is {word}"
            continue
        if each.payment not in {None, found[0]["id"]}:
            yield f"{each.reference}: the client was told {each.payment}, the database has {found[0]['id']}"
        wanted = EXPECTED[each.kind] | (TROUBLED if troubled_psps else set())
        if not each.gave_up and found[0]["status"] not in wanted:
            yield f"{each.reference} ({each.kind}) ended {found[0]['status']}, not {' or '.join(sorted(wanted))}"
    for reference in sorted(rows.keys() - known):
        yield f"nobody asked for {reference}"


def _sums(verdict: Verdict, evidence: Sequence[Evidence], kept: int) -> None:
    """The money that PSPs moved, that the ledger says they owe, and that the payments say was kept: one sum."""
    signs = {"charge": 1, "capture": 1, "refund": -1}
    at_psps = sum(signs.get(entry.kind, 0) * entry.amount for each in evidence for _, entry in each.entries())
    owed = sum(
        line.amount
        for each in evidence
        for posting in each.ledger
        for line in posting.lines
        if line.account.startswith("psp:")
    )
    verdict.figures |= {"money at PSPs": at_psps, "money in ledger": owed, "money of payments": kept}
    if not at_psps == owed == kept:
        verdict.findings.append(f"PSPs moved {at_psps}, the ledger says {owed}, the payments say {kept}")


def _counts(verdict: Verdict, evidence: Sequence[Evidence]) -> None:
    messages = [message for each in evidence for message in each.messages]
    ids = Counter(str(message.event.get("id")) for message in messages)
    told = Counter(one.id for each in evidence for endpoint in each.endpoints for one in endpoint.received)
    verdict.figures |= {
        "events": sum(len(each.events) for each in evidence),
        "messages on the topic": len(messages),
        "messages repeated": sum(ids.values()) - len(ids),
        "webhooks received": sum(told.values()),
        "webhooks repeated": sum(told.values()) - len(told),
        "bytes on the topic": sum(len(json.dumps(dict(message.event))) for message in messages),
    }
