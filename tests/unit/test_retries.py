"""The schemes' retry rules, row by row, and over random lives of a card (RET-01 to RET-05)."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.domain.retries import (
    CODE_OF_REASON,
    DAY_S,
    RETRY_CAPS,
    RETRY_RULES,
    RetryCap,
    RetryRefused,
    RetryRule,
    Tried,
    Wanted,
    retry_verdict,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def tried(days_ago: float = 1, **fields: object) -> Tried:
    given = {"outcome": "declined", "amount": 1000, "currency": "EUR", "expiry": "2030-1", "entry": "tok_1"} | fields
    return Tried(at=NOW - timedelta(days=days_ago), **given)  # type: ignore[arg-type]  # a test's short-hand


def wanted(scheme: str = "visa", **fields: object) -> Wanted:
    given = {"at": NOW, "amount": 1000, "currency": "EUR", "expiry": "2030-1", "entry": "tok_1"} | fields
    return Wanted(scheme, **given)  # type: ignore[arg-type]  # a test's short-hand


def said_by(rule: RetryRule, at: datetime) -> Tried:
    """The decline that the row is about, made by the card below."""
    return Tried(at, "declined", 1000, "EUR", "2030-1", "tok_1", rule.code, rule.advice or None)


@pytest.mark.parametrize("rule", RETRY_RULES, ids=lambda rule: rule.id)
def test_every_row_forbids_what_it_says(rule: RetryRule) -> None:
    """The row itself refuses, or the house's row for the same code; and it stops where it says that it stops."""
    scheme = rule.scheme or "discover"  # a scheme without rows of its own: only the house's are left
    initiator = "merchant" if rule.merchant_only else "cardholder"
    want = wanted(scheme, initiator=initiator)
    until = NOW - timedelta(seconds=1) + timedelta(seconds=rule.wait_s) if rule.kind == "wait" else None
    refused = retry_verdict([said_by(rule, NOW - timedelta(seconds=1))], want)
    assert refused is not None
    assert refused.until == until
    assert refused.rule in {rule.id, f"house_never_{rule.code}", f"house_new_data_{rule.code}"}
    if rule.kind == "wait":  # RET-03: at the stated delay and not later it is free
        free = wanted(scheme, at=NOW - timedelta(seconds=1) + timedelta(seconds=rule.wait_s))
        assert retry_verdict([said_by(rule, NOW - timedelta(seconds=1))], free) is None
    if rule.kind == "new_data" and rule.scheme is None:  # RET-04
        assert retry_verdict([said_by(rule, NOW)], wanted(scheme, expiry="2031-1", entry="tok_2")) is None
    if rule.merchant_only:
        assert retry_verdict([said_by(rule, NOW)], wanted(scheme)) is None


def test_57_is_visa_s_since_its_date_and_the_house_s_before() -> None:
    assert [rule.since for rule in RETRY_RULES if rule.id == "visa_category_1_57"] == [date(2026, 10, 25)]
    before = Tried(datetime(2026, 10, 24, 23, 59, tzinfo=UTC), "declined", 1000, "EUR", "2030-1", "tok_1", "57")
    since = Tried(datetime(2026, 10, 25, tzinfo=UTC), "declined", 1000, "EUR", "2030-1", "tok_1", "57")
    assert retry_verdict([before], wanted()) == RetryRefused("house_never_57", None)
    assert retry_verdict([since], wanted()) == RetryRefused("house_never_57", None)
    assert retry_verdict([before], wanted("amex")) == RetryRefused("house_never_57", None)


@pytest.mark.parametrize("cap", RETRY_CAPS, ids=lambda cap: cap.id)
def test_every_cap_holds_to_the_second(cap: RetryCap) -> None:
    gap = timedelta(seconds=cap.window_s / (cap.limit + 1))
    amounts = range(1000, 1000 + cap.limit) if not cap.same_amount else [1000] * cap.limit
    history = [
        Tried(NOW - gap * (cap.limit - n), "declined", amount, "EUR", "2030-1", "tok_1", "05")
        for n, amount in enumerate(amounts)
    ]
    assert retry_verdict(history[1:], wanted(cap.scheme)) is None
    free = history[0].at + timedelta(seconds=cap.window_s)
    assert retry_verdict(history, wanted(cap.scheme)) == RetryRefused(cap.id, free)
    just_before = wanted(cap.scheme, at=free - timedelta(microseconds=1))
    assert retry_verdict(history, just_before) == RetryRefused(cap.id, free)
    assert retry_verdict(history, wanted(cap.scheme, at=free)) is None


def test_an_attempt_under_way_counts_but_forbids_nothing_else() -> None:
    open_ones = [tried(0.1, outcome="open", code=None) for _ in range(10)]
    assert retry_verdict(open_ones[:9], wanted("mastercard")) is None
    refused = retry_verdict(open_ones, wanted("mastercard"))
    assert refused is not None
    assert refused.rule == "mastercard_10_in_24_hours"


def test_for_ever_beats_a_date_and_a_later_date_an_earlier_one() -> None:
    hour, days = tried(0.01, advice="24"), tried(0.01, advice="30")
    assert retry_verdict([hour, days], wanted("mastercard")) == RetryRefused(
        "mastercard_advice_30", days.at + timedelta(days=10)
    )
    lost = tried(0.01, code="41", advice="24")
    assert retry_verdict([hour, days, lost], wanted("mastercard")) == RetryRefused("house_never_41", None)


def test_a_reason_without_a_code_says_nothing_about_the_card() -> None:
    assert retry_verdict([tried(0.1, code=None)], wanted()) is None
    assert all(len(code) == 2 for code in CODE_OF_REASON.values())


def _naive_count(history: list[Tried], cap: RetryCap, at: datetime, amount: int) -> int:
    """How many of the attempts fall into the window that ends at `at`, counted one by one."""
    start = at - timedelta(seconds=cap.window_s)
    return sum(past.at > start and (not cap.same_amount or past.amount == amount) for past in history)


@pytest.mark.timeout(300)
def test_no_cap_and_no_never_is_ever_passed() -> None:
    """100,000 random sequences of declines, retries and clock moves: what was let through never exceeds a cap in any
    window, never follows a never, and what was refused with a date is let through at that date.
    """
    chance = random.Random(20261122)
    sequences = refusals = 0
    while sequences < 100_000:
        sequences += 1
        scheme = chance.choice(("visa", "mastercard"))
        caps = [cap for cap in RETRY_CAPS if cap.scheme == scheme]
        dense = chance.random() < 0.05
        history: list[Tried] = []
        at, ended = NOW, False
        for _ in range(chance.randint(12, 40) if dense else chance.randint(2, 6)):
            at += timedelta(seconds=chance.choice((1, 600, 7200) if dense else (1, 7200, DAY_S, 5 * DAY_S)))
            amount = chance.choice((1000, 2000))
            refused = retry_verdict(history, wanted(scheme, at=at, amount=amount))
            if refused is not None:
                refusals += 1
                if refused.until is not None:
                    assert refused.until > at
                    again = retry_verdict(history, wanted(scheme, at=refused.until, amount=amount))
                    assert again is None or again.until is None or again.until > refused.until
                continue
            assert not ended
            code = chance.choice(("05", "51", "91") if dense else ("05", "51", "91", "05", "41", "59"))
            history.append(Tried(at, "declined", amount, "EUR", "2030-1", "tok_1", code))
            ended = code in ("41", "59")
            assert all(_naive_count(history, cap, at, amount) <= cap.limit for cap in caps)
    assert refusals > 10_000
