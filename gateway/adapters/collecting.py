"""Whether this process tells a collector what it does: the setting PAYERA_OTLP."""

from types import TracebackType
from typing import TYPE_CHECKING

from gateway import tracing

if TYPE_CHECKING:
    from gateway.adapters.otlp import Sending


class Collecting:
    """Collects spans while the block runs, if there is a `url`; then, and only then, the SDK is loaded."""

    def __init__(self, process: str, url: str | None) -> None:
        self._process = process
        self._url = url
        self._sending: Sending | None = None

    def __enter__(self) -> "Collecting":
        if self._url is not None:
            from gateway.adapters.otlp import Sending  # it takes a tenth of a process' start

            self._sending = Sending(self._process, self._url)
            tracing.collect(self._sending.tracer())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sending is not None:
            tracing.collect(None)
            self._sending.end()
