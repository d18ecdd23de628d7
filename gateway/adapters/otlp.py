"""Spans on their way out: OpenTelemetry's SDK, OTLP over HTTP, and the last look at what leaves.

On with `PAYERA_OTLP` (the collector's URL). The SDK's own settings hold: OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES,
OTEL_BSP_*, OTEL_SPAN_*; and OTEL_EXPORTER_OTLP_HEADERS for a collector that wants a key.
"""

import os
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from urllib.parse import unquote, urlsplit

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status, StatusCode, Tracer
from opentelemetry.util.types import AttributeValue
from prometheus_client import Counter

from gateway.observability import mask
from gateway.version import VERSION

EXPORTED = Counter("payera_spans_exported_total", "Spans that the collector took, or that it did not", ["result"])

TIMEOUT_S = 5.0
"""The longest that a batch may take; what does not go in this time is counted and dropped."""
FAREWELL_S = 1.0
"""The longest that a process waits at its end until what it has is sent."""
_PATH = "/v1/traces"


class Sending:
    """The SDK with everything between a span and the collector. `end` sends what is waiting, for about `FAREWELL_S`."""

    def __init__(self, process: str, url: str) -> None:
        resource = Resource.create(
            {
                "service.name": f"payera-{process}",
                "service.namespace": "payera",
                "service.version": VERSION,
                "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
            }
        )
        self._exporter = OtlpExporter(url)
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(MaskingExporter(self._exporter)))

    def tracer(self) -> Tracer:
        """What makes the spans of this process."""
        return self._provider.get_tracer("payera", VERSION)

    def end(self) -> None:
        """No more after this."""
        self._exporter.hurry(FAREWELL_S)
        # The SDK would wait for a batch under way as long as that takes.
        ending = threading.Thread(target=self._provider.shutdown, name="spans", daemon=True)
        ending.start()
        ending.join(FAREWELL_S)


class OtlpExporter(SpanExporter):
    """POSTs protobuf to a collector, from the SDK's own thread. A collector that is away costs spans, nothing else."""

    def __init__(self, url: str, headers: str | None = None) -> None:
        """`url` without a path means the collector's usual one. `headers`: `name=value,…` (OTEL_EXPORTER_OTLP_HEADERS
        by default)."""
        parts = urlsplit(url)
        self._url = parts._replace(path=_PATH).geturl() if parts.path in ("", "/") else url
        given = os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "") if headers is None else headers
        pairs = (pair.partition("=") for pair in given.split(",") if "=" in pair)
        self._headers = {name.strip(): unquote(value.strip()) for name, _, value in pairs}
        self._headers["Content-Type"] = "application/x-protobuf"
        self._until_s: float | None = None
        # Past any proxy that the machine is set to, as everything else in here.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def hurry(self, seconds: float) -> None:
        """The end is near: everything that is still to be sent has this long."""
        self._until_s = time.monotonic() + seconds

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        left_s = TIMEOUT_S if self._until_s is None else min(TIMEOUT_S, self._until_s - time.monotonic())
        if left_s <= 0:
            EXPORTED.labels("failed").inc(len(spans))
            return SpanExportResult.FAILURE
        body = encode_spans(spans).SerializeToString()
        request = urllib.request.Request(self._url, body, self._headers)  # noqa: S310 - checked with the settings
        try:
            with self._opener.open(request, timeout=left_s) as answer:
                answer.read()
        except (OSError, urllib.error.URLError):
            EXPORTED.labels("failed").inc(len(spans))
            return SpanExportResult.FAILURE
        EXPORTED.labels("sent").inc(len(spans))
        return SpanExportResult.SUCCESS


class MaskingExporter(SpanExporter):
    """The last look: whatever a library wrote into a span, no card number and no key leaves (SEC-20)."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._inner.export([_masked(span) for span in spans])

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


def _masked(span: ReadableSpan) -> ReadableSpan:
    """A copy with masked texts. Messages and stack traces of exceptions, which libraries record, are left out."""
    status = span.status
    return ReadableSpan(
        name=str(mask(span.name)),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_texts(span.attributes or {}),
        events=[Event(event.name, _texts(event.attributes or {}), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(status.status_code) if status.status_code is StatusCode.ERROR else status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


_FREE_TEXT = frozenset({"exception.message", "exception.stacktrace"})


def _texts(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    masked: dict[str, AttributeValue] = mask({k: v for k, v in attributes.items() if k not in _FREE_TEXT})
    return masked
