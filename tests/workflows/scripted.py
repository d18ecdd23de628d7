"""Activities that say what a test wrote down, instead of asking a database and PSPs."""

import asyncio
from collections.abc import Callable
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from workflows.messages import PaymentRef, PlannedStep, StepRef

DONE = PlannedStep("done", resting=True)


class Scripted:
    """`plans` are given one after the other, the last one again and again; an exception among them is raised.

    `on` says what happens at a step, by its kind. `seen` keeps what was done. A `resolve` waits for `hold` if there is
    one.
    """

    def __init__(self, *plans: PlannedStep | Exception, on: dict[str, Callable[[], None]] | None = None) -> None:
        self.plans = list(plans)
        self.on = on or {}
        self.seen: list[str] = []
        self.hold: asyncio.Event | None = None

    @property
    def all(self) -> list[Callable[..., Any]]:
        return [self.plan, self.attempt, self.resolve, self.reverse, self.review]

    @activity.defn
    async def plan(self, payment: PaymentRef) -> PlannedStep:
        self.seen.append("plan")
        answer = self.plans.pop(0) if len(self.plans) > 1 else self.plans[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @activity.defn
    async def attempt(self, step: StepRef) -> None:
        self._do("attempt")

    @activity.defn
    async def resolve(self, step: StepRef) -> None:
        self._do(f"resolve {step.operation_id} {step.word}")
        if self.hold is not None:
            await self.hold.wait()
            self.seen.append("resolved")

    @activity.defn
    async def reverse(self, step: StepRef) -> None:
        self._do(f"reverse {step.operation_id}")

    @activity.defn
    async def review(self, step: StepRef) -> None:
        self._do(f"review {step.operation_id} {step.word}")

    def _do(self, what: str) -> None:
        self.seen.append(what)
        action = self.on.get(what.partition(" ")[0])
        if action is not None:
            action()

    @property
    def steps(self) -> list[str]:
        return [what for what in self.seen if what != "plan"]


def refused(code: str) -> ApplicationError:
    return ApplicationError(code, type=code, non_retryable=True)
