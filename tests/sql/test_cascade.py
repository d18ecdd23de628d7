"""The cascade table in SQL: the same rows and the same verdicts as the domain's."""

import json
from datetime import UTC, datetime
from itertools import product
from typing import Any

import asyncpg

from gateway.domain.cascade import CASCADE_RULES, may_fall_back
from gateway.domain.decline import DeclineReason
from gateway.domain.outcome import Declined
from tests.parts import Database

AFTER = datetime(2026, 10, 25, tzinfo=UTC)
BEFORE = datetime(2026, 10, 24, 23, 59, 59, tzinfo=UTC)


async def test_the_rows_are_the_domain_s(database: Database) -> None:
    connection = await asyncpg.connect(database.superuser)
    try:
        rows = {tuple(row) for row in await connection.fetch("select * from core.cascade_rule")}
    finally:
        await connection.close()
    assert rows == {
        (r.id, r.scheme, r.reason.value if r.reason else None, r.code, r.advice, r.fallback, r.later, r.since)
        for r in CASCADE_RULES
    }


async def test_every_reason_code_and_advice_meets_the_same_verdict(database: Database) -> None:
    codes = [None, "ZZ", *sorted({rule.code for rule in CASCADE_RULES if rule.code})]
    advices = [None, "40", *sorted({rule.advice for rule in CASCADE_RULES if rule.advice})]
    cases: list[dict[str, Any]] = []
    expected: list[bool] = []
    said = [
        *product(DeclineReason, codes, [None]),
        *product((DeclineReason.GENERIC_DECLINE, DeclineReason.LOST_CARD), ("05", "91", "51", None), advices),
    ]
    for (reason, code, advice), scheme, at in product(said, ("visa", "mastercard", "amex"), (BEFORE, AFTER)):
        cases.append({"reason": reason.value, "code": code, "advice": advice, "scheme": scheme, "at": at.isoformat()})
        decline = Declined(reason, provider_code="x", network_code=code, network_advice=advice)
        expected.append(may_fall_back(decline, scheme=scheme, at=at, declined_before=False))
    connection = await asyncpg.connect(database.superuser)
    try:
        rows = await connection.fetch(JUDGE, json.dumps(cases))
    finally:
        await connection.close()
    differing = [case for case, row, wanted in zip(cases, rows, expected, strict=True) if row[0] is not wanted]
    assert differing == []
    assert any(expected)
    assert not all(expected)


JUDGE = """
    select core.may_fall_back_v1(
        jsonb_populate_record(null::core.operation, jsonb_build_object(
            'id', 'att_1', 'payment_id', 'pay_1', 'reason', c ->> 'reason',
            'network_code', c ->> 'code', 'network_advice', c ->> 'advice')),
        c ->> 'scheme', (c ->> 'at')::timestamptz)
    from jsonb_array_elements($1::jsonb) with ordinality as e (c, n) order by n
"""
