"""The retry rules in SQL: the same rows and verdicts as the domain's, and caps that hold under concurrency (RET-02)."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from gateway.domain.errors import Refused
from gateway.domain.retries import CODE_OF_REASON, RETRY_CAPS, RETRY_RULES, RetryRefused, Tried, Wanted, retry_verdict
from tests.parts import Database
from tests.sql.world import World, approved, at, card, new_merchant

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SEQUENCES = 2_000
CALLERS = 8

Row = dict[str, Any]


@pytest.fixture
async def pool(database: Database) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    async with asyncpg.create_pool(database.superuser, min_size=CALLERS, max_size=CALLERS) as opened:
        yield opened


async def test_the_rows_are_the_domain_s(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    rules = {tuple(row) for row in await pool.fetch("select * from core.retry_rule")}
    assert rules == {
        (r.id, r.scheme, r.code, r.advice, r.kind, r.wait_s, r.data, r.merchant_only, r.since, r.until)
        for r in RETRY_RULES
    }
    caps = {tuple(row) for row in await pool.fetch("select * from core.retry_cap")}
    assert caps == {(c.id, c.scheme, c.limit, c.window_s, c.same_amount) for c in RETRY_CAPS}
    codes = {row["reason"]: row["code"] for row in await pool.fetch("select * from core.reason_code")}
    assert codes == {reason.value: code for reason, code in CODE_OF_REASON.items()}


# --- the same verdicts over random histories ---


def token(fingerprint: str, scheme: str, expiry: int, entry: str) -> Row:
    return {
        "id": entry,
        "merchant": "mer_1",
        "ciphertext": "c",
        "key_id": "k",
        "fingerprint": fingerprint,
        "bin": "424242",
        "last4": "4242",
        "brand": scheme,
        "exp_month": 1,
        "exp_year": expiry,
        "created_at": NOW.isoformat(),
    }


BEGIN = (
    """select core.card_attempt_begin_v1($1, jsonb_populate_record(null::vault.token, $2::jsonb), $3, $4, $5, $6, $7)"""
)
SETTLE = "select core.card_attempt_settle_v1(jsonb_populate_record(null::core.operation, $1::jsonb))"


async def begin(connection: Any, operation: str, card: Row, wanted: Wanted) -> RetryRefused | None:
    said = await connection.fetchval(
        BEGIN, operation, json.dumps(card), wanted.amount, wanted.currency, wanted.at, wanted.initiator,
        wanted.authenticated,
    )  # fmt: skip
    if said is None:
        return None
    refused = json.loads(said)
    return RetryRefused(refused["rule"], datetime.fromisoformat(refused["until"]) if refused["until"] else None)


async def settle(
    connection: Any, operation: str, status: str, code: str | None = None, advice: str | None = None
) -> None:
    row = {"id": operation, "status": status, "network_code": code, "network_advice": advice}
    await connection.execute(SETTLE, json.dumps(row))


CODES = (None, "05", "51", "91", "05", "51", "54", "N7", "1A", "57", "14", "41", "59", "R1")
ADVICES = (None, None, "01", "02", "24", "25", "30", "40", "03", "21")


async def one_sequence(connection: Any, number: int) -> int:
    """A random life of one card, told to both judges; the number of verdicts compared."""
    chance = random.Random(number)  # a seed per sequence: a failure names its number
    scheme = chance.choice(("visa", "mastercard", "mastercard", "amex"))
    gentle = chance.random() < 0.5  # only codes that caps alone bound: else no sequence would get so far
    history: list[tuple[str, Tried]] = []
    at, verdicts = NOW - timedelta(days=60), 0
    for step in range(chance.randint(1, 40)):
        at += timedelta(seconds=chance.choice((1, 60, 3600, 20_000, 86_400, 300_000)))
        expiry, entry = chance.choice((2030, 2031)), chance.choice(("tok_a", "tok_b"))
        amount = chance.choice((1000, 1000, 2500))
        wanted = Wanted(
            scheme, at, amount, "EUR", f"{expiry}-1", entry,
            initiator=chance.choice(("cardholder", "cardholder", "merchant")) if not gentle else "cardholder",
            authenticated=chance.random() < 0.2,
        )  # fmt: skip
        expected = retry_verdict((tried for _, tried in history), wanted)
        operation = f"att_{number}_{step}"
        said = await begin(connection, operation, token(f"fp_{number}", scheme, expiry, entry), wanted)
        assert said == expected, (number, step, history, wanted)
        verdicts += 1
        if said is not None:
            continue
        tried = Tried(at, "open", amount, "EUR", wanted.expiry, entry)
        outcome = chance.choice(("declined",) * 12 + ("open", "not_sent", "approved"))
        if outcome in ("open", "declined"):
            code = chance.choice(("05", "51", "91") if gentle else CODES)
            advice = chance.choice((None,) if gentle else ADVICES)
            if outcome == "declined":
                tried = Tried(at, "declined", amount, "EUR", wanted.expiry, entry, code, advice)
                await settle(connection, operation, "declined", code, advice)
            history.append((operation, tried))
        elif outcome == "not_sent":
            await settle(connection, operation, "not_sent")
        else:
            await settle(connection, operation, "approved")
            history = [(name, past) for name, past in history if past.outcome == "open"]
    return verdicts


@pytest.mark.timeout(300)
async def test_both_judges_give_the_same_verdicts(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    numbers = iter(range(SEQUENCES))
    compared = 0

    async def judge() -> None:
        nonlocal compared
        async with pool.acquire() as connection:
            for number in numbers:
                async with connection.transaction():
                    verdicts = await one_sequence(connection, number)
                compared += verdicts

    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(judge())
    assert compared > 10 * SEQUENCES


async def test_callers_at_once_cannot_pass_a_cap(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    """100 attempts by 8 connections, none settled before the others begin: 10 may go, 90 are told until when."""
    numbers = iter(range(100))
    said: list[RetryRefused | None] = []
    wanted = Wanted("mastercard", NOW, 1000, "EUR", "2030-1", "tok_c")

    async def hurry() -> None:
        async with pool.acquire() as connection:
            for number in numbers:
                card = token("fp_rush", "mastercard", 2030, "tok_c")
                said.append(await begin(connection, f"att_rush_{number}", card, wanted))

    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(hurry())
    refused = RetryRefused("mastercard_10_in_24_hours", NOW + timedelta(days=1))
    assert said.count(None) == 10
    assert said.count(refused) == 90


# --- in the life of payments ---


def answer(code: str, reason: str = "generic_decline", advice: str | None = None) -> Row:
    said: Row = {"kind": "declined", "reason": reason, "advice": "none", "provider_code": "x", "network_code": code}
    return said | ({"network_advice": advice} if advice else {})


async def test_a_stolen_card_is_not_tried_again_anywhere(world: World) -> None:
    begun = await world.begin(card=card(fingerprint="fp_stolen"))
    await world.apply(begun["dispatch"], answer("43", "stolen_card"))
    with pytest.raises(Refused, match="retry_not_allowed") as caught:
        await world.begin(
            card=card(fingerprint="fp_stolen"), idempotency={"scope": "s", "key": "k", "fingerprint": "f"}
        )
    assert caught.value.detail == (
        "The retry rule house_never_43 forbids another attempt with this card; another card, or corrected card data, "
        "may be tried."
    )
    assert await world.call("idempotency_get_v1", scope="s", key="k") is None  # the key is free for another card
    other = await new_merchant(world.database)
    assert (await other.begin(card=card(fingerprint="fp_stolen")))["result"] == "begun"


async def test_a_wrong_cvc_may_be_typed_again_and_a_stored_one_may_not(world: World) -> None:
    first = card(fingerprint="fp_cvc")
    begun = await world.begin(card=first)
    await world.apply(begun["dispatch"], answer("N7", "incorrect_cvc"))
    with pytest.raises(Refused, match="retry_not_allowed"):
        await world.begin(token_id=first["token_id"])
    assert (await world.begin(card=card(fingerprint="fp_cvc")))["result"] == "begun"


async def test_advice_says_until_when(world: World) -> None:
    begun = await world.begin(card=card(fingerprint="fp_mac", brand="mastercard"), at=at(0))
    await world.apply(begun["dispatch"], answer("05", advice="24"))
    with pytest.raises(Refused, match="retry_not_allowed") as caught:
        await world.begin(card=card(fingerprint="fp_mac", brand="mastercard"), at=at(3599))
    assert caught.value.detail.endswith("mastercard_advice_24 forbids another attempt with this card until "
                                        "2026-11-22T13:00:00.000Z.")  # fmt: skip
    assert (await world.begin(card=card(fingerprint="fp_mac", brand="mastercard"), at=at(3600)))["result"] == "begun"


async def test_a_fallback_is_one_more_attempt_and_ends_at_the_cap(world: World) -> None:
    """Nine declines, then a payment whose first attempt is the tenth: its fallback would be the eleventh."""
    for _ in range(9):
        begun = await world.begin(card=card(fingerprint="fp_cap", brand="mastercard"))
        await world.apply(begun["dispatch"], answer("91", "issuer_unavailable"))
    begun = await world.begin(card=card(fingerprint="fp_cap", brand="mastercard"))
    applied = await world.apply(begun["dispatch"], answer("91", "issuer_unavailable"), cascade=True)
    assert applied["payment"]["status"] == "processing"
    refused = await world.attempt(begun["payment"]["id"])
    assert (refused["result"], refused["why"]) == ("refused", "retry_not_allowed")
    assert refused["payment"]["status"] == "declined"
    assert await world.events(begun["payment"]["id"]) == ["payment.created", "payment.declined"]


async def test_success_forgives_and_proof_of_absence_uncounts(world: World) -> None:
    for outcome in [answer("05")] * 9 + [{"kind": "not_sent", "cause": "refused"}, approved()] + [answer("05")] * 10:
        begun = await world.begin(card=card(fingerprint="fp_rise", brand="mastercard"))
        await world.apply(begun["dispatch"], outcome)
    with pytest.raises(Refused, match="retry_not_allowed"):
        await world.begin(card=card(fingerprint="fp_rise", brand="mastercard"))
