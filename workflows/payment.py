"""A payment that outlives one request: plan from the database, do one step, plan again, until it is at rest.

A cancel in Temporal (an operator's, never ours) ends the workflow after the step under way: what the step did stands in
the database, and whoever waits for a first answer reads that. The next wake begins where it stopped.

The workflow remembers nothing about money. A crash, a lost signal, a repeated activity or two workflows in a row lead
to the same plan, since the plan is a function of what the database says; all decisions are in `domain.resolution`.
"""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from workflows import policies, versions
    from workflows.activities import PaymentActivities
    from workflows.messages import PaymentRef, PlannedStep, StepRef

_ACTIVITIES = {
    "attempt": PaymentActivities.attempt,
    "resolve": PaymentActivities.resolve,
    "reverse": PaymentActivities.reverse,
    "review": PaymentActivities.review,
    "expire": PaymentActivities.expire,
}


@workflow.defn(name=versions.PAYMENT)
class PaymentWorkflow:
    """Workflow id = payment id: one at a time per payment, a new run whenever the payment needs one again."""

    @workflow.init
    def __init__(self, payment: PaymentRef) -> None:
        self._payment = payment
        self._woken = False
        self._resting = False
        self._leaving = False
        self._failures = 0
        self._previous: PlannedStep | None = None

    @workflow.run
    async def run(self, payment: PaymentRef) -> None:
        try:
            for _ in range(policies.ROUNDS_MAX):
                if await self._round():
                    return
        except asyncio.CancelledError:
            if workflow.patched(versions.CANCEL_ENDS):
                await self._leave()
            raise
        await self._leave()
        workflow.continue_as_new(payment)

    async def _leave(self) -> None:
        """Waiting callers are released: they read the payment as it is. Nobody is left behind by the new run."""
        self._leaving = True
        await workflow.wait_condition(workflow.all_handlers_finished)

    @workflow.signal(name=versions.WAKE)
    def wake(self) -> None:
        """Something happened to the payment: a webhook, a recovered crash, an order of the database."""
        self._wake()

    @workflow.update(name=versions.FIRST_ANSWER)
    async def first_answer(self) -> None:
        """Return when the payment is at rest or waits for the PSP or the shopper; the caller then reads it."""
        self._wake()
        await workflow.wait_condition(lambda: self._resting or self._leaving)

    def _wake(self) -> None:
        self._woken = True
        self._resting = False

    async def _round(self) -> bool:
        """Plan and do one step. True when nothing is left to do and nobody is waiting."""
        self._woken = False
        try:
            step = await workflow.execute_local_activity_method(
                PaymentActivities.plan,
                self._payment,
                schedule_to_close_timeout=policies.PLAN_TIMEOUT,
                retry_policy=policies.PLAN_RETRY,
            )
        except FailureError as error:
            if _told_to_end() and workflow.patched(versions.CANCEL_ENDS):
                raise asyncio.CancelledError from None
            if _code(error) == "payment_not_found":
                raise ApplicationError("payment_not_found", type="payment_not_found", non_retryable=True) from None
            await self._pause()
            return False
        # Whoever woke us meanwhile knows something that this plan may not have seen: plan again before resting.
        self._resting = step.resting and not self._woken
        if step.kind == "done":
            await workflow.wait_condition(lambda: self._woken or workflow.all_handlers_finished())
            return not self._woken
        if step.kind == "wait":
            self._failures = 0
            await self._wait(step.wait_s)
            return False
        await self._perform(step)
        return False

    async def _perform(self, step: PlannedStep) -> None:
        if step == self._previous:
            # The step was done and the plan did not move: whatever the cause, do not spin.
            await self._pause()
        else:
            self._failures = 0
        self._previous = step
        try:
            doing = workflow.start_activity_method(
                _ACTIVITIES[step.kind],
                StepRef(self._payment.merchant, self._payment.payment_id, step.operation_id, step.word, step.counts),
                start_to_close_timeout=policies.SEND_TIMEOUT,
                heartbeat_timeout=policies.HEARTBEAT_TIMEOUT,
                retry_policy=policies.SEND_RETRY,
            )
            await _finished(doing)
        except FailureError as error:
            # Nothing is concluded from it: the next plan sees what the database knows.
            workflow.logger.warning("step %s failed: %s", step.kind, _code(error))
        if _told_to_end() and workflow.patched(versions.CANCEL_ENDS):
            raise asyncio.CancelledError

    async def _pause(self) -> None:
        self._failures += 1
        await workflow.sleep(policies.pause_s(self._failures))

    async def _wait(self, wait_s: float) -> None:
        self._previous = None
        try:
            await workflow.wait_condition(lambda: self._woken, timeout=timedelta(seconds=wait_s))
        except TimeoutError:
            return


async def _finished(doing: "workflow.ActivityHandle[None]") -> None:
    """Wait for a step to its end, whoever cancels the workflow meanwhile: half a step would be one more unknown."""
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        if not workflow.patched(versions.CANCEL_ENDS):
            doing.cancel()
        await doing


def _told_to_end() -> bool:
    """Whether this workflow was canceled in Temporal."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _code(error: FailureError) -> str:
    """Our code of a failure. A local activity raises the failure itself, a remote one wraps it."""
    inner = error if isinstance(error, ApplicationError) else error.cause
    return inner.type or "failure" if isinstance(inner, ApplicationError) else type(inner or error).__name__
