"""Whether a fallback attempt may follow an outcome, and whether a PSP's answer fits what it was asked."""

from gateway.domain.decline import may_cascade
from gateway.domain.outcome import Absent, Approved, Declined, NotSent, Outcome, Unknown


def may_fall_back(outcome: Outcome) -> bool:
    """Whether another PSP may be asked after this outcome of an authorization.

    Only where it is proved that no money moved: a decline whose reason allows it (RET-06), a request that never
    reached the PSP, or one that the PSP does not know. Never after anything unknown or pending.
    """
    match outcome:
        case Declined():
            return may_cascade(outcome.reason)
        case NotSent() | Absent():
            return True
        case _:
            return False


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
