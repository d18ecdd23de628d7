"""Goal: the trace goes on whether or not anybody collects; what is collected says nothing secret."""

import logging
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from gateway import observability, tracing
from gateway.adapters.collecting import Collecting
from gateway.adapters.otlp import FAREWELL_S, TIMEOUT_S, MaskingExporter, OtlpExporter
from gateway.adapters.temporal_traces import TraceInterceptor
from workflows.messages import PaymentRef

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
PAN = "4000000000000341"


class Kept(SpanExporter):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


@pytest.fixture
def kept() -> Iterator[Kept]:
    """Spans are collected for the length of a test, through the last look."""
    exporter = Kept()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(MaskingExporter(exporter)))
    tracing.collect(provider.get_tracer("test"))
    yield exporter
    tracing.collect(None)
    provider.shutdown()


def test_a_callers_trace_is_honoured_and_any_other_begins_here() -> None:
    assert tracing.inbound(PARENT)[0] == TRACE
    assert tracing.here() == PARENT
    for odd in (None, "", "00-xyz", PARENT.replace("00-", "01-", 1), PARENT + "0"):
        trace, _ = tracing.inbound(odd)
        assert (len(trace), trace == TRACE) == (32, False)
        assert tracing.trace_of(tracing.here()) == trace


def test_without_a_collector_the_trace_goes_on_and_a_span_is_nothing() -> None:
    with tracing.continued(PARENT) as trace:
        assert (trace, tracing.here()) == (TRACE, PARENT)
        with tracing.span("x") as span:
            span.set(payment_id="pay_1")
            assert (tracing.here(), span.here()) == (PARENT, "")
        with tracing.exposed():
            assert tracing.seen() == TRACE  # what Temporal's interceptor finds
        assert tracing.seen() == ""
    with tracing.continued(None) as trace:
        assert (trace, tracing.here()) == ("", "")


def test_spans_are_children_of_where_they_are_made(kept: Kept) -> None:
    trace, request = tracing.inbound(PARENT)
    assert trace == TRACE
    with request, tracing.span("inner", attributes={"n": 1}) as inner:
        inner.set(payment_id="pay_1", nothing=None)
        assert tracing.trace_of(tracing.here()) == TRACE
        assert tracing.here() == inner.here() != PARENT
    with tracing.span("elsewhere", parent="", links=[PARENT, "", "nonsense"]):
        pass
    with tracing.span("polled", only_inside=True):
        pass
    first, second, third = kept.spans
    assert (first.name, second.name, third.name) == ("inner", "HTTP", "elsewhere")
    assert first.parent is not None
    assert second.context is not None
    assert first.parent.span_id == second.context.span_id
    assert first.attributes == {"n": 1, "payera.payment.id": "pay_1"}
    assert third.parent is None
    assert [f"{link.context.trace_id:032x}" for link in third.links] == [TRACE]


def test_silence_makes_no_span(kept: Kept) -> None:
    trace, span = tracing.inbound(PARENT, silent=True)
    with span:
        pass
    assert (trace, kept.spans) == (TRACE, [])


def test_an_error_is_told_by_its_type(kept: Kept) -> None:
    with pytest.raises(ValueError, match=PAN), tracing.span("x"):
        raise ValueError(PAN)
    (span,) = kept.spans
    assert span.attributes == {"error.type": "ValueError"}
    assert (span.status.is_ok, span.status.description, list(span.events)) == (False, None, [])


def test_what_libraries_write_is_masked(kept: Kept) -> None:
    """Goal: whatever attribute, event or status holds a number or a key, it does not leave (SEC-20)."""
    tracer = tracing.tracer()

    def careless() -> None:
        with tracer.start_as_current_span(f"paid with {PAN}") as span:
            span.set_attribute("card", PAN)
            span.set_attribute("authorization", "Bearer abc")
            span.set_attribute("list", [PAN, "x"])
            span.add_event("said", {"note": f"number {PAN}", "key": "sk_test_0123456789abcdef"})
            raise RuntimeError(f"failed with {PAN}")

    with pytest.raises(RuntimeError):
        careless()
    (left,) = kept.spans
    assert PAN not in left.to_json()
    assert "0123456789abcdef" not in left.to_json()
    assert (left.name, left.attributes) == (
        "paid with ***",
        {"card": "***", "authorization": "***", "list": ["***", "x"]},
    )
    assert [event.name for event in left.events] == ["said", "exception"]
    assert set(left.events[1].attributes or {}) == {"exception.type", "exception.escaped"}
    assert (left.status.is_ok, left.status.description) == (False, None)


def test_a_collector_that_is_away_costs_nothing_but_spans(kept: Kept) -> None:
    with tracing.span("x"):
        pass
    exporter = OtlpExporter("http://127.0.0.1:1")
    started = time.monotonic()
    assert exporter.export(kept.spans) is SpanExportResult.FAILURE
    assert time.monotonic() - started < 30


def test_a_collector_that_hangs_does_not_hold_up_the_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with Collecting("test", url):
            for _ in range(2000):
                with tracing.span("x"):
                    pass
            ended = time.monotonic()
        took_s = time.monotonic() - ended
    assert not tracing.collecting()
    assert took_s < FAREWELL_S + 3 < TIMEOUT_S


class Body(ActivityInboundInterceptor):
    """The activity itself: logs a line."""

    def __init__(self) -> None:
        self.here = ""

    async def execute_activity(self, _: ExecuteActivityInput) -> Any:
        self.here = tracing.here()
        logging.getLogger("theirs").warning("a line")
        return "done"


@pytest.mark.parametrize("collected", [False, True])
async def test_an_activity_runs_in_its_payments_trace(collected: bool, request: pytest.FixtureRequest) -> None:
    """Its log lines name payment and trace, and what it writes into the database continues it."""
    if collected:
        request.getfixturevalue("kept")
    lines: list[dict[str, Any]] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(dict(observability._add_context(None, "", {"event": record.getMessage()})))

    interceptor, body = TraceInterceptor(), Body()
    headers: dict[str, Any] = {}
    with tracing.continued(PARENT), tracing.exposed():
        headers = dict(interceptor._context_to_headers({}))
    handler = Lines()
    logging.getLogger("theirs").addHandler(handler)
    try:
        work = ExecuteActivityInput(
            fn=body.execute_activity, args=[PaymentRef("mer_1", "pay_1")], executor=None, headers=headers
        )
        assert await ActivityEnvironment().run(interceptor.intercept_activity(body).execute_activity, work) == "done"
    finally:
        logging.getLogger("theirs").removeHandler(handler)
    assert lines == [{"event": "a line", "trace_id": TRACE, "payment": "pay_1"}]
    assert tracing.trace_of(body.here) == TRACE


def test_a_workflows_line_names_its_payment() -> None:
    event = observability._add_context(None, "", {"event": "x", "temporal_workflow": {"workflow_id": "pay_7"}})
    assert event["payment"] == "pay_7"
