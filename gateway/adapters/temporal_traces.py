"""Traces and figures of workflows and activities: what joins a payment's request, its workflow and what that does.

The trace travels in Temporal's headers, sealed like everything else there: from the client into the workflow, from the
workflow into each activity, whose log lines, events and orders then name it, collected or not.
"""

import time
from typing import Any

from prometheus_client import Counter, Histogram
from temporalio import activity
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from gateway import tracing
from gateway.observability import payment_id, trace_id

ACTIVITIES = Counter("payera_activities_total", "Activities that ended", ["activity", "result"])
ACTIVITY_SECONDS = Histogram(
    "payera_activity_seconds",
    "Time that one activity took",
    ["activity"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class TraceInterceptor(TracingInterceptor):
    """Given to the client; a worker over that client has it as well. Make it after `tracing.collect`."""

    def __init__(self) -> None:
        super().__init__(tracing.tracer())

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        return super().intercept_activity(_InTrace(next))


class _InTrace(ActivityInboundInterceptor):
    """Runs an activity in its payment's trace, and counts it."""

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        name = activity.info().activity_type
        started, result = time.perf_counter(), "failed"
        with tracing.adopted() as trace:
            trace_id.set(trace)
            payment_id.set(getattr(input.args[0], "payment_id", "") if input.args else "")
            try:
                answer = await super().execute_activity(input)
                result = "done"
                return answer
            finally:
                ACTIVITIES.labels(name, result).inc()
                ACTIVITY_SECONDS.labels(name).observe(time.perf_counter() - started)
