"""The cascade table in SQL: the same rows and the same verdicts as the domain's."""

import json
from datetime import UTC, datetime
from itertools import product
from typing import Any

import asyncpg

from gateway.domain.cascade import CASCADE_RULES, may_fall_back
from gateway.domain.decline import DeclineReason
from gateway.domain.ids import new_id
from gateway.domain.outcome import Declined
from tests.parts import Database
from tests.sql.world import World, at, declined

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
    for (reason, code, advice), scheme, when in product(said, ("visa", "mastercard", "amex"), (BEFORE, AFTER)):
        cases.append({"reason": reason.value, "code": code, "advice": advice, "scheme": scheme, "at": when.isoformat()})
        decline = Declined(reason, provider_code="x", network_code=code, network_advice=advice)
        expected.append(may_fall_back(decline, scheme=scheme, at=when, declined_before=False))
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


async def _third_provider(world: World) -> None:
    """One more account, and two fallbacks allowed."""
    third = new_id("pa")
    await world.call(
        "provider_account_create_v1", account_id=third, provider="adyen", base_url="http://127.0.0.1:1",
        credentials_ciphertext="Y3JlZA==", key_id="dek_1", settings={}, at=at(),
    )  # fmt: skip
    await world.call("routing_set_v1", providers=[*world.accounts.values(), third], max_fallbacks=2, at=at())


async def test_a_decline_buys_one_hop_whatever_the_merchant_allows(world: World) -> None:
    await _third_provider(world)
    begun = await world.begin()
    assert (begun["dispatch"]["declined_before"], begun["dispatch"]["card"]["brand"]) == (False, "visa")
    applied = await world.apply(begun["dispatch"], declined(), cascade=True)
    assert (applied["payment"]["status"], applied["workflow"]) == ("processing", True)
    second = await world.attempt(begun["payment"]["id"])
    assert second["dispatch"]["declined_before"] is True
    # The caller says yes; the table says that the one hop is spent.
    applied = await world.apply(second["dispatch"], declined(), cascade=True)
    assert (applied["payment"]["status"], applied["workflow"]) == ("declined", False)


async def test_a_psp_that_cannot_be_reached_spends_no_hop(world: World) -> None:
    await _third_provider(world)
    begun = await world.begin()
    await world.apply(begun["dispatch"], {"kind": "not_sent", "cause": "refused"}, cascade=True)
    second = await world.attempt(begun["payment"]["id"])
    assert second["dispatch"]["declined_before"] is False
    await world.apply(second["dispatch"], declined(), cascade=True)
    third_attempt = await world.attempt(begun["payment"]["id"])
    assert third_attempt["result"] == "begun"


async def test_the_callers_verdict_alone_does_not_let_a_stolen_card_go_on(world: World) -> None:
    begun = await world.begin()
    applied = await world.apply(begun["dispatch"], declined("stolen_card"), cascade=True)
    assert (applied["payment"]["status"], applied["workflow"]) == ("declined", False)
