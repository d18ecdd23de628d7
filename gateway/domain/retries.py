"""Whether a card may be tried again: the schemes' retry rules, counted over all PSPs, as data with effective dates.

The unit is a card (PAN fingerprint) at one merchant. An approval forgives everything before it (RET-05). Since then:

    never       the issuer will never approve, or forbade it: no attempt with this PAN (RET-01)
    new_data    only after the data that was at fault changed (RET-04): the expiry date; what the shopper typed, such
                as the CVC; a 3-D Secure authentication that was missing
    wait        not before a delay that the scheme states (RET-03)
    cap         not more than so many attempts in a rolling window (RET-02)

An attempt under way counts as a decline until it is known, so that callers at once cannot pass a cap together. The
same rows stand in SQL (`core.retry_rule`, `core.retry_cap`), where the verdict is given under the card's lock; a test
compares rows and verdicts. Times are aware datetimes and seconds, amounts minor units.

Sources: Visa response-code categories and Mastercard merchant advice codes as acquirers publish them. Where they
disagree, the stricter reading; where the house is stricter than a scheme, the row's id begins with `house_`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from gateway.domain.decline import DeclineReason

Kind = Literal["never", "new_data", "wait"]
Data = Literal["expiry", "entry", "authentication"]
Initiator = Literal["cardholder", "merchant"]
TriedOutcome = Literal["open", "declined"]

HOUR_S = 3600
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class RetryRule:
    """One row: what a decline with this response code or advice code forbids.

    `scheme` None: every scheme. Exactly one of `code` (ISO 8583 response code) and `advice` (Mastercard's merchant
    advice code, "" for its absence) is given. Effective for declines from `since` to before `until`.
    `data`: what must be new. `merchant_only`: forbids merchant-initiated attempts alone.
    """

    id: str
    scheme: str | None
    code: str | None
    advice: str | None
    kind: Kind
    wait_s: int = 0
    data: Data | None = None
    merchant_only: bool = False
    since: date = date(2021, 4, 17)
    until: date | None = None


@dataclass(frozen=True, slots=True)
class RetryCap:
    """At most `limit` attempts without success in any rolling `window_s` seconds; `same_amount`: of one amount."""

    id: str
    scheme: str
    limit: int
    window_s: int
    same_amount: bool = False


_VISA_2026 = date(2026, 10, 25)
_NEVER_AT_VISA = ("04", "07", "12", "14", "15", "41", "43", "46", "R0", "R1", "R3")
_NEVER_HERE = ("04", "07", "41", "43", "46", "57", "59", "62", "R0", "R1", "R3")
_DATA_AT_VISA: dict[str, Data] = {
    "54": "expiry",
    "55": "entry",
    "70": "authentication",
    "82": "entry",
    "1A": "authentication",
    "6P": "entry",
    "N7": "entry",
}
_DATA_HERE: dict[str, Data] = {"14": "entry", "54": "expiry", "82": "entry", "N7": "entry"}
_DELAYS_S = {
    "02": 72 * HOUR_S,
    "24": HOUR_S,
    "25": 24 * HOUR_S,
    "26": 2 * DAY_S,
    "27": 4 * DAY_S,
    "28": 6 * DAY_S,
    "29": 8 * DAY_S,
    "30": 10 * DAY_S,
}

RETRY_RULES: tuple[RetryRule, ...] = (
    *(RetryRule(f"visa_category_1_{code}", "visa", code, None, "never") for code in _NEVER_AT_VISA),
    RetryRule("visa_category_1_57", "visa", "57", None, "never", since=_VISA_2026),
    *(
        RetryRule(f"visa_category_3_{code}", "visa", code, None, "new_data", data=d)
        for code, d in _DATA_AT_VISA.items()
    ),
    *(RetryRule(f"mastercard_advice_{code}", "mastercard", None, code, "never") for code in ("03", "21", "22", "42")),
    RetryRule("mastercard_advice_99", "mastercard", None, "99", "never"),
    RetryRule("mastercard_advice_01", "mastercard", None, "01", "new_data", data="expiry"),
    RetryRule("mastercard_advice_04", "mastercard", None, "04", "new_data", data="entry"),
    *(RetryRule(f"mastercard_advice_{code}", "mastercard", None, code, "wait", s) for code, s in _DELAYS_S.items()),
    *(
        RetryRule(f"mastercard_advice_{code}", "mastercard", None, code, "never", merchant_only=True)
        for code in ("40", "41")
    ),
    RetryRule("mastercard_advice_absent", "mastercard", None, "", "never", merchant_only=True),
    *(RetryRule(f"house_never_{code}", None, code, None, "never") for code in _NEVER_HERE),
    *(RetryRule(f"house_new_data_{code}", None, code, None, "new_data", data=d) for code, d in _DATA_HERE.items()),
)

RETRY_CAPS: tuple[RetryCap, ...] = (
    # 20 since 2025-05-25 by most acquirers, 15 still by some: 15 satisfies both readings.
    RetryCap("visa_15_in_30_days", "visa", 15, 30 * DAY_S),
    RetryCap("mastercard_10_in_24_hours", "mastercard", 10, DAY_S),
    RetryCap("mastercard_35_same_amount_in_30_days", "mastercard", 35, 30 * DAY_S, same_amount=True),
)

_RULES_OF_CODE: dict[str, tuple[RetryRule, ...]] = {
    code: tuple(rule for rule in RETRY_RULES if rule.code == code) for code in {r.code for r in RETRY_RULES if r.code}
}
_RULES_OF_ADVICE: dict[str, tuple[RetryRule, ...]] = {
    advice: tuple(rule for rule in RETRY_RULES if rule.advice == advice)
    for advice in {r.advice for r in RETRY_RULES if r.advice is not None}
}

CODE_OF_REASON: dict[DeclineReason, str] = {
    DeclineReason.GENERIC_DECLINE: "05",
    DeclineReason.INSUFFICIENT_FUNDS: "51",
    DeclineReason.LIMIT_EXCEEDED: "61",
    DeclineReason.ISSUER_UNAVAILABLE: "91",
    DeclineReason.SYSTEM_ERROR: "96",
    DeclineReason.EXPIRED_CARD: "54",
    DeclineReason.INVALID_CARD: "14",
    DeclineReason.INCORRECT_CVC: "82",
    DeclineReason.LOST_CARD: "41",
    DeclineReason.STOLEN_CARD: "43",
    DeclineReason.PICKUP_CARD: "04",
    DeclineReason.SUSPECTED_FRAUD: "59",
    DeclineReason.NOT_PERMITTED: "57",
    DeclineReason.RESTRICTED_CARD: "62",
    DeclineReason.TOKEN_DEACTIVATED: "46",
    DeclineReason.REVOKED_AUTHORIZATION: "R1",
}
"""The response code that a normalized reason stands for, where a PSP does not pass the issuer's own on. A reason that
is missing here (authentication required, an invalid request, unmapped) says nothing about the card."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt with the card at this merchant, at any PSP, since the last approval.

    `expiry` and `entry` are versions of the card's data: its expiry date, and the token that its entry made.
    """

    at: datetime
    outcome: TriedOutcome
    amount: int
    currency: str
    expiry: str
    entry: str
    code: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The attempt that somebody wants to make now."""

    scheme: str
    at: datetime
    amount: int
    currency: str
    expiry: str
    entry: str
    initiator: Initiator = "cardholder"
    authenticated: bool = False


@dataclass(frozen=True, slots=True)
class RetryRefused:
    """Which rule forbids the attempt, and until when; `until` None: for ever, or until the card's data change."""

    rule: str
    until: datetime | None


def retry_verdict(tried: Iterable[Tried], wanted: Wanted) -> RetryRefused | None:
    """The strictest rule that forbids `wanted`, or None. For ever beats a date, a later date an earlier one; equals are
    decided by the rule's id, so that every judge names the same.
    """
    history = tuple(tried)
    refused = [*_by_rule(history, wanted), *_by_cap(history, wanted)]
    return min(refused, key=_strictness, default=None)


def _strictness(refused: RetryRefused) -> tuple[bool, float, str]:
    return (refused.until is not None, -refused.until.timestamp() if refused.until else 0.0, refused.rule)


def _by_rule(history: tuple[Tried, ...], wanted: Wanted) -> Iterable[RetryRefused]:
    for past in history:
        if past.outcome != "declined":
            continue
        for rule in (*_RULES_OF_CODE.get(past.code or "", ()), *_RULES_OF_ADVICE.get(past.advice or "", ())):
            if not _applies(rule, past, wanted):
                continue
            if rule.kind == "never" or (rule.kind == "new_data" and not _renewed(rule, past, wanted)):
                yield RetryRefused(rule.id, None)
            elif rule.kind == "wait" and wanted.at < (until := past.at + timedelta(seconds=rule.wait_s)):
                yield RetryRefused(rule.id, until)


def _renewed(rule: RetryRule, past: Tried, wanted: Wanted) -> bool:
    match rule.data:
        case "expiry":
            return past.expiry != wanted.expiry
        case "authentication":
            return wanted.authenticated
        case _:
            return past.entry != wanted.entry


def _applies(rule: RetryRule, past: Tried, wanted: Wanted) -> bool:
    if rule.scheme not in (None, wanted.scheme) or (rule.merchant_only and wanted.initiator != "merchant"):
        return False
    day = past.at.astimezone(UTC).date()
    return rule.since <= day and (rule.until is None or day < rule.until)


def _by_cap(history: tuple[Tried, ...], wanted: Wanted) -> Iterable[RetryRefused]:
    for cap in RETRY_CAPS:
        if cap.scheme != wanted.scheme:
            continue
        window = timedelta(seconds=cap.window_s)
        counted = sorted(
            past.at
            for past in history
            if past.at > wanted.at - window
            and (not cap.same_amount or (past.amount, past.currency) == (wanted.amount, wanted.currency))
        )
        if len(counted) >= cap.limit:
            # Free again when all but limit - 1 of them have left the window.
            yield RetryRefused(cap.id, counted[len(counted) - cap.limit] + window)
