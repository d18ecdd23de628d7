"""The real clock."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Wall time in UTC for business, monotonic seconds for fences."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()
