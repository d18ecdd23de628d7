"""What crosses into Temporal: ids, words and durations. Never a card, a credential, an amount or a PSP's answer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PaymentRef:
    """The payment that a workflow is about."""

    merchant: str
    payment_id: str


@dataclass(frozen=True)
class StepRef:
    """One step of a plan, as an activity takes it. `word`: means of a look, reason of a review, way to reverse."""

    merchant: str
    payment_id: str
    operation_id: str = ""
    word: str = ""
    counts: bool = False


@dataclass(frozen=True)
class PlannedStep:
    """The plan's answer: `kind` names an activity, or is `wait` or `done`.

    `wait_s` is for `wait`. `resting` says that the caller's first answer needs not be waited for any longer: nothing
    is left to do, or the PSP or the shopper is to move.
    """

    kind: str
    operation_id: str = ""
    word: str = ""
    counts: bool = False
    wait_s: float = 0.0
    resting: bool = False
