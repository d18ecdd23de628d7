"""Where a piece of work belongs: the W3C trace context, and spans where somebody collects them.

The context travels whether or not anybody collects: from the caller's `traceparent` into the rows that outlive a
request (events, orders), from there into Temporal and Kafka; so every log line of every process names its trace.
Spans are made once `collect` was called (`gateway.adapters.otlp`, by the setting PAYERA_OTLP). Until then `span` costs
a look at one variable.

What a span may say: names, ids of ours, words and numbers of fixed vocabularies. Never a header, a body, a query, the
text of an error: the exporter masks what looks like a card or a key all the same.
"""

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    Link,
    NonRecordingSpan,
    NoOpTracer,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
)

__all__ = [
    "AnySpan",
    "SpanKind",
    "adopted",
    "collect",
    "collecting",
    "continued",
    "exposed",
    "here",
    "inbound",
    "seen",
    "span",
    "trace_of",
    "tracer",
    "use_case",
]

P = ParamSpec("P")
R = TypeVar("R")

Attributes = Mapping[str, str | int | bool]

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)
_ZERO_TRACE, _ZERO_SPAN = "0" * 32, "0" * 16

_carried: ContextVar[str] = ContextVar("payera_traceparent", default="")
"""The context of this work while nobody collects; with a collector it is OpenTelemetry's own."""
_tracer: Tracer | None = None


def collect(tracer: Tracer | None) -> None:
    """Make spans with `tracer` from now on; None: no more."""
    global _tracer
    _tracer = tracer


def collecting() -> bool:
    """Whether spans are made in this process."""
    return _tracer is not None


def here() -> str:
    """The `traceparent` of the present work, for what outlives it; empty where it belongs to no trace."""
    if _tracer is None:
        return _carried.get()
    return _formatted(get_current_span().get_span_context())


def seen() -> str:
    """The trace id that a library made current, empty without one."""
    return trace_of(_formatted(get_current_span().get_span_context()))


def trace_of(traceparent: str) -> str:
    """The trace id in it, 32 hexadecimal digits; empty for an empty one."""
    return traceparent[3:35]


def _formatted(context: SpanContext) -> str:
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def _parsed(traceparent: str | None) -> SpanContext:
    """Invalid for what is no `traceparent` of version 00 (W3C Trace Context, section 3.2)."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match is None or match[1] == _ZERO_TRACE or match[2] == _ZERO_SPAN:
        return INVALID_SPAN_CONTEXT
    return SpanContext(int(match[1], 16), int(match[2], 16), True, TraceFlags(int(match[3], 16)))


def _context_of(traceparent: str | None) -> Context:
    """A context with that parent and nothing else; without a parent the next span begins a trace."""
    parent = _parsed(traceparent)
    return set_span_in_context(NonRecordingSpan(parent), Context()) if parent.is_valid else Context()


# Spans ----------------------------------------------------------------------------------------------------------------


class _NoSpan:
    """What `span` gives while nobody collects."""

    __slots__ = ()

    def __enter__(self) -> "_NoSpan":
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing was begun."""

    def set(self, **attributes: str | int | bool | None) -> None:
        """Nobody listens."""

    def say(self, attributes: Attributes) -> None:
        """Nobody listens."""

    def rename(self, name: str) -> None:
        """Nobody listens."""

    def here(self) -> str:
        """The `traceparent` of this span; empty while nobody collects."""
        return ""

    def fail(self, error_type: str) -> None:
        """Nobody listens."""


class _RealSpan(_NoSpan):
    """A span that is current while the block runs. An exception marks it as failed with its type, never its text."""

    __slots__ = ("_span", "_token")

    def __init__(self, begun: Span) -> None:
        self._span = begun
        self._token: Token[Context] | None = None

    def __enter__(self) -> "_RealSpan":
        self._token = otel_context.attach(set_span_in_context(self._span))
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            self.fail(getattr(error, "code", None) or type(error).__name__)
        if self._token is not None:
            otel_context.detach(self._token)
        self._span.end()

    def set(self, **attributes: str | int | bool | None) -> None:
        """`payera.<name>`, with dots for underscores; None is left out."""
        for name, value in attributes.items():
            if value is not None:
                self._span.set_attribute(f"payera.{name.replace('_', '.')}", value)

    def say(self, attributes: Attributes) -> None:
        """Attributes by their full names (OpenTelemetry's semantic conventions)."""
        self._span.set_attributes(dict(attributes))

    def here(self) -> str:
        return _formatted(self._span.get_span_context())

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def fail(self, error_type: str) -> None:
        self._span.set_attribute("error.type", error_type)
        self._span.set_status(StatusCode.ERROR)


AnySpan = _NoSpan
"""What a block may do with its span: `set`, `say`, `rename`, `fail`."""

_NO_SPAN = _NoSpan()


def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes | None = None,
    *,
    only_inside: bool = False,
    parent: str | None = None,
    links: Iterable[str] = (),
) -> AnySpan:
    """A span around a block: `with span("capture_payment") as current: current.set(payment_id=…)`.

    A child of the present one, or of the traceparent `parent` ("" begins a trace). `only_inside`: only as a part of a
    span that is collected, so that a process that polls does not make a trace per round. `links`: traceparents of what
    led here without being its parent.
    """
    if _tracer is None or (only_inside and not get_current_span().is_recording()):
        return _NO_SPAN
    context = None if parent is None else _context_of(parent)
    causes = [Link(cause) for cause in map(_parsed, links) if cause.is_valid]
    return _RealSpan(
        _tracer.start_span(
            name, context, kind, dict(attributes or {}), causes, record_exception=False, set_status_on_exception=False
        )
    )


@contextmanager
def continued(traceparent: str | None) -> Iterator[str]:
    """Let the block go on with that trace; gives the trace id, empty without one."""
    parent = _parsed(traceparent)
    carried = _carried.set(_formatted(parent))
    attached = otel_context.attach(_context_of(traceparent)) if _tracer is not None else None
    try:
        yield trace_of(_formatted(parent))
    finally:
        if attached is not None:
            otel_context.detach(attached)
        _carried.reset(carried)


def inbound(traceparent: str | None, *, silent: bool = False) -> tuple[str, AnySpan]:
    """The trace id of a request that just came in, and its span, which becomes current when it is entered.

    A caller's `traceparent` is honoured; without one the trace begins here. `silent`: no span, for what asks how the
    process is doing.
    """
    if _tracer is None or silent:
        match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
        if match is None or traceparent is None:
            traceparent = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
        _carried.set(traceparent)
        return traceparent[3:35], _NO_SPAN
    begun = _tracer.start_span("HTTP", _context_of(traceparent), SpanKind.SERVER)
    return f"{begun.get_span_context().trace_id:032x}", _RealSpan(begun)


@contextmanager
def adopted() -> Iterator[str]:
    """The reverse of `exposed`: take over the trace that a library made current; gives the trace id."""
    traceparent = _formatted(get_current_span().get_span_context())
    token = _carried.set(traceparent)
    try:
        yield trace_of(traceparent)
    finally:
        _carried.reset(token)


def tracer() -> Tracer:
    """For libraries that make spans of their own. While nobody collects it makes none, but passes the context on."""
    return _tracer or NoOpTracer()


@contextmanager
def exposed() -> Iterator[None]:
    """Let libraries that speak OpenTelemetry find the present trace in the block, also while nobody collects."""
    if _tracer is not None or not _carried.get():
        yield
        return
    token = otel_context.attach(_context_of(_carried.get()))
    try:
        yield
    finally:
        otel_context.detach(token)


def use_case(function: Callable[P, R]) -> Callable[P, R]:
    """A span of its own for every call of an asynchronous use case, named after it."""
    name = function.__name__

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        if _tracer is None:
            return function(*args, **kwargs)
        return _spanned(name, function(*args, **kwargs), args[1] if len(args) > 1 else None)  # type: ignore[return-value]  # R is a coroutine, and so is this

    return called


async def _spanned(name: str, work: Any, command: object) -> Any:
    with span(name) as current:
        current.set(
            payment_id=getattr(command, "payment_id", None), operation_id=getattr(command, "operation_id", None)
        )
        return await work
