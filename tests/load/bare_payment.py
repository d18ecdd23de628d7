"""A payment as a workflow, reduced to nothing: one local activity that does nothing."""

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def charge(payment: str) -> str:
    """Where begin, send and apply would stand."""
    return payment


@workflow.defn
class BarePayment:
    """One payment, one step."""

    @workflow.run
    async def run(self, payment: str) -> str:
        return await workflow.execute_local_activity(charge, payment, start_to_close_timeout=timedelta(seconds=10))
