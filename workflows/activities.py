"""The activities: thin. Each calls the use case of its name; ids go in, nothing but words come out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from temporalio import activity

from gateway.domain.resolution import Attempt, Done, Expire, Resolve, Reverse, Review, Wait
from gateway.use_cases.attempt_payment import AttemptPayment, attempt_payment
from gateway.use_cases.expire_authorization import ExpireAuthorization, expire_authorization
from gateway.use_cases.plan import Plan, PlanPayment, plan_payment
from gateway.use_cases.ports import Ports
from gateway.use_cases.resolve_operation import ResolveOperation, resolve_operation
from gateway.use_cases.reverse_operation import ReverseOperation, reverse_operation
from gateway.use_cases.review_operation import ReviewOperation, review_operation
from workflows.failures import translated
from workflows.messages import PaymentRef, PlannedStep, StepRef
from workflows.policies import HEARTBEAT_EVERY_S, WAIT_MAX_S, WAIT_MIN_S

_REFUND, _VOID = "refund", "void"


class PaymentActivities:
    """Bears the ports; registered with the worker by `all`."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    @property
    def all(self) -> list[Callable[..., Any]]:
        """What the worker registers."""
        return [self.plan, self.attempt, self.resolve, self.reverse, self.review, self.expire]

    @activity.defn
    async def plan(self, payment: PaymentRef) -> PlannedStep:
        with translated():
            return planned(await plan_payment(self._ports, PlanPayment(payment.merchant, payment.payment_id)))

    @activity.defn
    async def attempt(self, step: StepRef) -> None:
        async with self._sending(step):
            await attempt_payment(self._ports, AttemptPayment(step.merchant, step.payment_id))

    @activity.defn
    async def resolve(self, step: StepRef) -> None:
        async with self._sending(step):
            await resolve_operation(
                self._ports, ResolveOperation(step.merchant, step.operation_id, step.word, step.counts)
            )

    @activity.defn
    async def reverse(self, step: StepRef) -> None:
        async with self._sending(step):
            await reverse_operation(
                self._ports, ReverseOperation(step.merchant, step.operation_id, step.word == _REFUND)
            )

    @activity.defn
    async def review(self, step: StepRef) -> None:
        with translated():
            await review_operation(self._ports, ReviewOperation(step.merchant, step.operation_id, step.word))

    @asynccontextmanager
    async def _sending(self, step: StepRef) -> AsyncIterator[None]:
        """Around whatever sends or looks: heartbeats, and the points at which a test may end the worker."""
        async with _beating():
            await self._ports.failpoints.reach("activity.before", step.merchant)
            yield
            await self._ports.failpoints.reach("activity.after", step.merchant)

    @activity.defn
    async def expire(self, step: StepRef) -> None:
        with translated():
            await expire_authorization(self._ports, ExpireAuthorization(step.merchant, step.payment_id))


def planned(plan: Plan) -> PlannedStep:
    """A plan in the words that cross into the workflow."""
    match plan.step:
        case Attempt():
            return PlannedStep("attempt")
        case Resolve(operation_id=operation_id, means=means, counts=counts):
            return PlannedStep("resolve", operation_id, means, counts)
        case Reverse(operation_id=operation_id, captured=captured):
            return PlannedStep("reverse", operation_id, _REFUND if captured else _VOID)
        case Review(operation_id=operation_id, reason=reason):
            return PlannedStep("review", operation_id, reason)
        case Expire():
            return PlannedStep("expire")
        case Wait(until=until, for_others=for_others):
            wait_s = min(max((until - plan.at).total_seconds(), WAIT_MIN_S), WAIT_MAX_S)
            return PlannedStep("wait", wait_s=wait_s, resting=for_others)
        case Done():
            return PlannedStep("done", resting=True)


@asynccontextmanager
async def _beating() -> AsyncIterator[None]:
    """Heartbeats while the block runs, so that the death of this process is noticed; translates refusals."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(HEARTBEAT_EVERY_S)

    beating = asyncio.create_task(beat())
    try:
        with translated():
            yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
