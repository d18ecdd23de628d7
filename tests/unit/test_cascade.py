"""Goal: each row of the cascade table does what the schemes' rules say, and nothing else is ever tried elsewhere."""

from datetime import UTC, datetime

import pytest

from gateway.domain.cascade import CASCADE_RULES, by_scheme, cascade_rule, may_fall_back
from gateway.domain.decline import RULES, DeclineReason
from gateway.domain.outcome import Absent, ActionRequired, Approved, Declined, NotSent, Outcome, Pending, Unknown
from gateway.domain.retries import RETRY_RULES, RetryRule

R = DeclineReason
TODAY = datetime(2026, 11, 22, tzinfo=UTC)
BEFORE = datetime(2026, 10, 24, 23, 59, tzinfo=UTC)


def declined(reason: R, code: str | None = None, advice: str | None = None) -> Declined:
    return Declined(reason, provider_code="x", network_code=code, network_advice=advice)


ROWS = [
    # technical: one hop
    (R.ISSUER_UNAVAILABLE, "91", None, "visa", "once", "schedule"),
    (R.ISSUER_UNAVAILABLE, "91", None, "mastercard", "once", "schedule"),
    (R.SYSTEM_ERROR, "96", None, "visa", "once", "schedule"),
    (R.SYSTEM_ERROR, "19", None, "amex", "once", "schedule"),
    (R.GENERIC_DECLINE, "19", None, "visa", "once", "schedule"),
    # generic: once, by policy
    (R.GENERIC_DECLINE, "05", None, "visa", "once", "schedule"),
    (R.GENERIC_DECLINE, None, None, "visa", "once", "schedule"),
    # funds and limits: later
    (R.INSUFFICIENT_FUNDS, "51", None, "visa", "no", "schedule"),
    (R.LIMIT_EXCEEDED, "61", None, "mastercard", "no", "schedule"),
    (R.LIMIT_EXCEEDED, "65", None, "visa", "no", "schedule"),
    # authentication is asked for
    (R.AUTHENTICATION_REQUIRED, "1A", None, "visa", "no", "step_up_3ds"),
    (R.LIMIT_EXCEEDED, "65", None, "mastercard", "no", "step_up_3ds"),
    # data
    (R.EXPIRED_CARD, "54", None, "visa", "no", "after_update"),
    (R.INVALID_CARD, "14", None, "visa", "no", "after_update"),
    (R.INCORRECT_CVC, "N7", None, "visa", "no", "after_update"),
    (R.INCORRECT_CVC, "82", None, "visa", "no", "after_update"),
    (R.INVALID_CARD, None, None, "visa", "no", "after_update"),  # the address
    (R.INVALID_CARD, "05", None, "visa", "no", "after_update"),  # the address, where the issuer says no more than 05
    # never
    (R.PICKUP_CARD, "04", None, "visa", "never", "none"),
    (R.PICKUP_CARD, "07", None, "visa", "never", "none"),
    (R.LOST_CARD, "41", None, "visa", "never", "none"),
    (R.RESTRICTED_CARD, "43", None, "visa", "never", "none"),
    (R.SUSPECTED_FRAUD, "59", None, "visa", "never", "none"),
    (R.INVALID_CARD, "46", None, "visa", "never", "none"),
    (R.NOT_PERMITTED, "57", None, "mastercard", "never", "none"),
    (R.RESTRICTED_CARD, "62", None, "visa", "never", "none"),
    (R.REVOKED_AUTHORIZATION, "R0", None, "visa", "never", "none"),
    (R.REVOKED_AUTHORIZATION, "R1", None, "visa", "never", "none"),
    (R.REVOKED_AUTHORIZATION, "R3", None, "visa", "never", "none"),
    (R.GENERIC_DECLINE, "05", "03", "mastercard", "never", "none"),
    (R.GENERIC_DECLINE, "05", "21", "mastercard", "never", "none"),
    (R.ISSUER_UNAVAILABLE, "91", "42", "mastercard", "never", "none"),
    (R.GENERIC_DECLINE, "05", "99", "mastercard", "never", "none"),
    (R.SUSPECTED_FRAUD, None, None, "visa", "never", "none"),  # Stripe's fraudulent, highest_risk_level
    (R.NOT_PERMITTED, "05", None, "visa", "never", "none"),  # Stripe's do_not_try_again: its word is stricter than 05
    # 3-D Secure did not hold
    (R.AUTHENTICATION_FAILED, None, None, "visa", "never", "none"),
    # nobody mapped it, or it is ours to mend
    (R.UNMAPPED, "ZZ", None, "visa", "no", "none"),
    (R.INVALID_REQUEST, None, None, "visa", "no", "none"),
    # Mastercard's other advice: not now
    (R.GENERIC_DECLINE, "05", "02", "mastercard", "no", "schedule"),
    (R.ISSUER_UNAVAILABLE, "91", "24", "mastercard", "no", "schedule"),
    (R.GENERIC_DECLINE, "05", "01", "mastercard", "no", "after_update"),
    (R.GENERIC_DECLINE, "05", "04", "mastercard", "no", "none"),
    (R.GENERIC_DECLINE, "05", "22", "mastercard", "never", "none"),
    (R.GENERIC_DECLINE, "05", "40", "mastercard", "once", "schedule"),  # forbids merchant-initiated ones alone
    (R.GENERIC_DECLINE, "05", "03", "visa", "once", "schedule"),  # advice codes are Mastercard's
]


@pytest.mark.parametrize(("reason", "code", "advice", "scheme", "fallback", "later"), ROWS)
def test_row(reason: R, code: str | None, advice: str | None, scheme: str, fallback: str, later: str) -> None:
    outcome = by_scheme(declined(reason, code, advice), scheme)
    assert isinstance(outcome, Declined)
    rule = cascade_rule(outcome, scheme, TODAY)
    assert (rule.fallback, rule.later) == (fallback, later)
    assert may_fall_back(outcome, scheme=scheme, at=TODAY, declined_before=False) is (fallback == "once")
    assert not may_fall_back(outcome, scheme=scheme, at=TODAY, declined_before=True)


@pytest.mark.parametrize(
    ("outcome", "allowed"),
    [
        (NotSent("connection refused"), True),
        (NotSent("circuit open"), True),
        (Absent(), True),
        (Unknown("timeout"), False),
        (Unknown("reset"), False),
        (Unknown("server_error"), False),
        (Unknown("malformed"), False),
        (Unknown("crash"), False),
        (Pending("p"), False),
        (ActionRequired("p"), False),
        (Approved("p", 1, "EUR"), False),
    ],
)
def test_only_what_is_proved_lets_another_psp_be_asked(outcome: Outcome, allowed: bool) -> None:
    for before in (False, True):
        assert may_fall_back(outcome, scheme="visa", at=TODAY, declined_before=before) is allowed


def test_65_asks_for_authentication_at_mastercard_alone() -> None:
    limit = declined(R.LIMIT_EXCEEDED, "65")
    assert by_scheme(limit, "mastercard") == declined(R.AUTHENTICATION_REQUIRED, "65")
    assert by_scheme(limit, "visa") == limit
    assert by_scheme(declined(R.LIMIT_EXCEEDED, "61"), "mastercard") == declined(R.LIMIT_EXCEEDED, "61")


@pytest.mark.parametrize(("code", "rule"), [("57", "visa_category_1_57"), ("83", "visa_category_2_83")])
def test_visas_change_of_october_2026_is_dated(code: str, rule: str) -> None:
    decline = declined(R.GENERIC_DECLINE, code)
    assert cascade_rule(decline, "visa", TODAY).id == rule
    assert cascade_rule(decline, "visa", BEFORE).id != rule
    assert cascade_rule(decline, "mastercard", TODAY).id != rule
    # The house was stricter before: 57 is never tried elsewhere, whatever the day.
    assert cascade_rule(decline, "visa", BEFORE).fallback == ("never" if code == "57" else "once")


def test_the_rows_are_whole() -> None:
    assert len({rule.id for rule in CASCADE_RULES}) == len(CASCADE_RULES)
    assert {rule.reason for rule in CASCADE_RULES if rule.reason} == set(DeclineReason) == set(RULES)
    for rule in CASCADE_RULES:
        assert [rule.reason, rule.code, rule.advice].count(None) == 2, rule


def test_what_is_never_tried_elsewhere_is_never_tried_again_either() -> None:
    """The retry rules know every code and advice of the "never" rows: cascade and retry cannot disagree."""
    never = {(rule.code, rule.advice) for rule in RETRY_RULES if rule.kind == "never" and not rule.merchant_only}
    for rule in CASCADE_RULES:
        if rule.fallback == "never" and rule.reason is None:
            assert (rule.code, rule.advice) in never, rule


@pytest.mark.parametrize("rule", [rule for rule in RETRY_RULES if not rule.merchant_only], ids=lambda rule: rule.id)
def test_no_fallback_is_allowed_that_the_retry_rules_would_refuse(rule: RetryRule) -> None:
    """Same card, same moment: a code or an advice that forbids the next attempt forbids the fallback as well."""
    decline = declined(R.GENERIC_DECLINE, rule.code, rule.advice)
    assert cascade_rule(decline, rule.scheme or "visa", TODAY).fallback != "once"
