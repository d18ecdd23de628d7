"""Every timeout, retry and bound of the workflows, by name."""

from datetime import timedelta

from temporalio.common import RetryPolicy

PLAN_TIMEOUT = timedelta(seconds=5)
PLAN_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=100),
    backoff_coefficient=3.0,
    maximum_interval=timedelta(seconds=2),
    maximum_attempts=4,
)
"""Reading the database may be repeated; after that the workflow pauses and plans anew."""

SEND_RETRY = RetryPolicy(maximum_attempts=1)
"""Whatever sends or looks is never repeated blindly: after a failure the plan decides from what the database says."""

SEND_TIMEOUT = timedelta(minutes=2)
"""Far above any lease: an operation's own timeout and fence end it long before."""

HEARTBEAT_EVERY_S = 1.0
HEARTBEAT_TIMEOUT = timedelta(seconds=5)
"""How soon the death of a worker is noticed in the middle of a step."""

PAUSE_FIRST_S = 0.2
PAUSE_MAX_S = 60.0
"""Between plans after a failure, and between equal steps that change nothing: doubled each time up to the maximum."""

WAIT_MIN_S = 0.02
WAIT_MAX_S = 86400.0
"""A wait is cut into days, so that a changed rule is seen the next day."""

ROUNDS_MAX = 200
"""Plans in one run, then the workflow continues as new: bounds the history whatever a PSP does."""


def pause_s(failures: int) -> float:
    """Seconds to pause after so many failures in a row (1, 2, …)."""
    return float(min(PAUSE_FIRST_S * 2.0 ** min(failures - 1, 20), PAUSE_MAX_S))
