"""Whether a fallback attempt may follow an outcome: the cascade table as data, and the verdict over it.

What decides, before any row: only what is proved. A request that never reached the PSP, or that the PSP does not know,
may go to the next one; an unknown, pending or approved one may not (RET-06). For a decline every row that speaks of its
normalized reason, of the issuer's response code or of the scheme's advice is asked, and the strictest one wins: a PSP's
own word never softens what the issuer said, and the other way round. "Once" means one hop because of a decline in a
payment, whatever the merchant's limit of fallback attempts is (RET-07).

The same rows stand in SQL (`core.cascade_rule`), and the same verdict, which can only be stricter than the caller's; a
test compares both. Sources: the cascade table of docs/decisions/0040; response-code categories of Visa and merchant
advice codes of Mastercard as acquirers publish them. Rows of a scheme bear its name and the day since when they hold;
where the house is stricter, a row of its own says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from gateway.domain.decline import RULES, DeclineReason, Fallback, RetryAdvice
from gateway.domain.outcome import Absent, Approved, Declined, NotSent, Outcome, Unknown

_R = DeclineReason


@dataclass(frozen=True, slots=True)
class CascadeRule:
    """One row: what a decline with this reason, response code or advice code allows.

    Exactly one of `reason`, `code` (ISO 8583) and `advice` (Mastercard's merchant advice code) is given. `scheme` None:
    every scheme. It holds for declines from `since` on. `later`: what may follow later.
    """

    id: str
    fallback: Fallback
    later: RetryAdvice
    reason: DeclineReason | None = None
    code: str | None = None
    advice: str | None = None
    scheme: str | None = None
    since: date = date(2021, 4, 17)


_VISA_2026 = date(2026, 10, 25)
_TECHNICAL = ("91", "96", "19")
_FUNDS = ("51", "61", "65")
_DATA = ("14", "54", "82", "N7")
_NEVER = ("04", "07", "41", "43", "46", "57", "59", "62", "R0", "R1", "R3")
_ADVICE_NEVER = ("03", "21", "22", "42", "99")
_ADVICE_LATER = ("02", "24", "25", "26", "27", "28", "29", "30")


def _of_code(
    prefix: str, codes: tuple[str, ...], fallback: Fallback, later: RetryAdvice, scheme: str | None = None
) -> Iterator[CascadeRule]:
    return (CascadeRule(f"{prefix}_{code}", fallback, later, code=code, scheme=scheme) for code in codes)


def _of_advice(codes: tuple[str, ...], fallback: Fallback, later: RetryAdvice) -> Iterator[CascadeRule]:
    return (
        CascadeRule(f"mastercard_advice_{code}", fallback, later, advice=code, scheme="mastercard") for code in codes
    )


CASCADE_RULES: tuple[CascadeRule, ...] = (
    *(
        CascadeRule(f"reason_{reason.value}", rule.fallback, rule.advice, reason=reason)
        for reason, rule in RULES.items()
    ),
    *_of_code("technical", _TECHNICAL, "once", "schedule"),
    *_of_code("generic", ("05",), "once", "schedule"),
    *_of_code("funds", _FUNDS, "no", "schedule"),
    # What Visa calls "cannot approve now" since then; the table of the house has no fallback for it.
    CascadeRule("visa_category_2_83", "no", "schedule", code="83", scheme="visa", since=_VISA_2026),
    *_of_code("authentication", ("1A",), "no", "step_up_3ds"),
    CascadeRule("mastercard_authentication_65", "no", "step_up_3ds", code="65", scheme="mastercard"),
    *_of_code("data", _DATA, "no", "after_update"),
    *_of_code("house_never", _NEVER, "never", "none"),
    *_of_code("visa_category_1", ("12", "15"), "never", "none", "visa"),
    *_of_code("visa_category_3", ("55", "6P"), "no", "after_update", "visa"),
    *_of_code("visa_category_3", ("70",), "no", "step_up_3ds", "visa"),
    CascadeRule("visa_category_1_57", "never", "none", code="57", scheme="visa", since=_VISA_2026),
    *_of_advice(_ADVICE_NEVER, "never", "none"),
    *_of_advice(_ADVICE_LATER, "no", "schedule"),
    *_of_advice(("01",), "no", "after_update"),
    *_of_advice(("04",), "no", "none"),
)

_STRICTNESS: dict[Fallback, int] = {"once": 0, "no": 1, "never": 2}


def cascade_rule(decline: Declined, scheme: str | None, at: datetime) -> CascadeRule:
    """The strictest row that speaks of this decline, `at` its (aware) time. Among equals the one that says most: what
    the scheme or the issuer's code says before what the reason says.
    """
    day = at.astimezone(UTC).date()
    speaking = [rule for rule in CASCADE_RULES if _speaks(rule, decline, scheme) and rule.since <= day]
    return max(
        speaking, key=lambda rule: (_STRICTNESS[rule.fallback], rule.scheme is not None, rule.reason is None, rule.id)
    )


def _speaks(rule: CascadeRule, decline: Declined, scheme: str | None) -> bool:
    if rule.scheme not in (None, scheme):
        return False
    if rule.reason is not None:
        return rule.reason is decline.reason
    if rule.code is not None:
        return rule.code == decline.network_code
    return rule.advice == decline.network_advice


def may_fall_back(outcome: Outcome, *, scheme: str | None, at: datetime, declined_before: bool) -> bool:
    """Whether another PSP may be asked after this outcome of an authorization.

    `scheme` is the card's brand, `at` the aware time of the outcome. `declined_before`: another attempt of the payment
    was declined already, so its one hop is spent.
    """
    match outcome:
        case Declined():
            return not declined_before and cascade_rule(outcome, scheme, at).fallback == "once"
        case NotSent() | Absent():
            return True
        case _:
            return False


def by_scheme(outcome: Outcome, scheme: str | None) -> Outcome:
    """`outcome`, with the reason that the card's scheme means by the issuer's code.

    Code 65 is a frequency limit everywhere but at Mastercard, whose issuers ask for authentication by it.
    """
    if isinstance(outcome, Declined) and (scheme, outcome.network_code) == ("mastercard", "65"):
        return replace(outcome, reason=_R.AUTHENTICATION_REQUIRED) if outcome.reason is _R.LIMIT_EXCEEDED else outcome
    return outcome


def hold_to(outcome: Outcome, amount: int, currency: str) -> Outcome:
    """Return `outcome`, or `Unknown` when the PSP approved something else than it was asked for.

    Money moved, but not the money we meant: neither an approval nor a failure, so it must be looked at (FLT-06).
    `amount` is in minor units of `currency`.
    """
    if not isinstance(outcome, Approved) or (outcome.amount, outcome.currency) == (amount, currency):
        return outcome
    return Unknown(
        cause="conflict",
        provider_reference=outcome.provider_reference,
        detail=f"asked for {amount} {currency}, the PSP says {outcome.amount} {outcome.currency}",
    )
