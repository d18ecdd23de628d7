"""Logs, traces and figures: JSON lines that never hold a card number or a secret, and Prometheus metrics."""

import contextvars
import logging
import re
import sys
import time
from collections.abc import Awaitable, Mapping, MutableMapping
from typing import Any

import orjson
import structlog
from prometheus_client import Counter, Histogram

from gateway import tracing
from gateway.domain.brand import luhn_holds
from gateway.domain.card import CardSecret, Secret
from gateway.domain.outcome import Outcome
from gateway.use_cases.ports import (
    AnswersDisputes,
    Connector,
    Connectors,
    ConnectorSpec,
    DisputeAnswered,
    DisputeCall,
    ProviderAccount,
    ProviderCall,
    WebhookFact,
)

trace_id: contextvars.ContextVar[str] = contextvars.ContextVar("trace_id", default="")
payment_id: contextvars.ContextVar[str] = contextvars.ContextVar("payment_id", default="")

REQUESTS = Counter("payera_requests_total", "Answers of the API", ["method", "operation", "status"])
REQUEST_SECONDS = Histogram(
    "payera_request_seconds",
    "Time from the first byte of a request to the last of its answer",
    ["method", "operation"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
PSP_SECONDS = Histogram(
    "payera_psp_seconds",
    "Time that one operation spent with its PSP",
    ["provider", "kind", "outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class MeasuredConnectors:
    """The registry, with the time of every call to a PSP measured."""

    def __init__(self, inner: Connectors) -> None:
        self._inner = inner
        self._measured: dict[str, MeasuredConnector] = {}

    def get(self, slug: str) -> Connector:
        """Raises `LookupError` for a provider that has no connector."""
        found = self._measured.get(slug)
        if found is None:
            found = self._measured[slug] = MeasuredConnector(self._inner.get(slug))
        return found

    @property
    def specs(self) -> Mapping[str, ConnectorSpec]:
        """What every provider offers, by slug."""
        return self._inner.specs


class MeasuredConnector:
    """A connector that says how long its PSP took, and with what outcome."""

    def __init__(self, inner: Connector) -> None:
        self._inner = inner
        self.spec = inner.spec

    async def authorize(self, call: ProviderCall, card: CardSecret) -> Outcome:
        return await self._measure("authorize", call, self._inner.authorize(call, card))

    async def capture(self, call: ProviderCall) -> Outcome:
        return await self._measure("capture", call, self._inner.capture(call))

    async def void(self, call: ProviderCall) -> Outcome:
        return await self._measure("void", call, self._inner.void(call))

    async def refund(self, call: ProviderCall) -> Outcome:
        return await self._measure("refund", call, self._inner.refund(call))

    async def read(self, call: ProviderCall) -> Outcome:
        return await self._measure("read", call, self._inner.read(call))

    async def answer_dispute(self, call: DisputeCall) -> DisputeAnswered:
        if not isinstance(self._inner, AnswersDisputes):
            return "refused"
        slug = self.spec.slug
        with tracing.span(f"answer_dispute {slug}") as span:
            started = time.perf_counter()
            answered = await self._inner.answer_dispute(call)
            PSP_SECONDS.labels(slug, "answer_dispute", answered).observe(time.perf_counter() - started)
            span.set(provider=slug, outcome=answered)
        return answered

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, account: ProviderAccount, now_s: float
    ) -> tuple[WebhookFact, ...]:
        return self._inner.verify_webhook(headers, body, account, now_s)

    async def _measure(self, verb: str, call: ProviderCall, calling: Awaitable[Outcome]) -> Outcome:
        slug = self.spec.slug
        with tracing.span(f"{verb} {slug}") as span:
            span.set(
                provider=slug, operation_kind=call.kind, operation_id=call.operation_id, payment_id=call.payment_id
            )
            started = time.perf_counter()
            outcome = await calling
            PSP_SECONDS.labels(slug, verb, outcome.kind).observe(time.perf_counter() - started)
            span.set(
                outcome=outcome.kind, reason=getattr(outcome, "reason", None), cause=getattr(outcome, "cause", None)
            )
        return outcome


_CARD_LIKE = re.compile(r"(?<![0-9A-Za-z_])(?:[0-9][ -]?){11,18}[0-9](?![0-9A-Za-z_])", re.ASCII)
_SECRET_LIKE = re.compile(
    r"\b((?:sk|pk|rk|ak|whsec)_(?:test_|live_)?)[A-Za-z0-9+/=]{8,}|\b(Bearer|Basic) \S+", re.ASCII
)
_SECRET_NAME = re.compile(
    r"(?i)^(authorization|api_?key|admin_?key|secret.*|.*_secret|password|credentials|number|pan|cvv|cvc|cvv2|csc|cid|"
    r"security_?code|idempotency_?key)$"
)
_MASK = "***"


def mask_text(text: str) -> str:
    """Replace what looks like a card number (12 to 19 digits, check digit right) or like a key. For every log line."""
    text = _CARD_LIKE.sub(_mask_card, text)
    return _SECRET_LIKE.sub(lambda match: f"{match.group(1) or match.group(2) + ' '}{_MASK}", text)


def _mask_card(match: re.Match[str]) -> str:
    digits = re.sub(r"[ -]", "", match.group())
    return _MASK if luhn_holds(digits) else match.group()


def mask(value: Any, depth: int = 0) -> Any:
    """`value` as a log may hold it. Keys that name a secret lose their value; texts are masked."""
    if isinstance(value, str):
        return mask_text(value)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return _MASK if value > 10**11 and luhn_holds(str(value)) else value
    if isinstance(value, Secret) or depth > 5:
        return _MASK
    if isinstance(value, dict):
        return {
            mask_text(str(key)): _MASK if _SECRET_NAME.match(str(key)) else mask(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [mask(item, depth + 1) for item in value]
    return mask_text(repr(value))


def _mask_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: _MASK if _SECRET_NAME.match(key) else mask(value) for key, value in event.items()}


def _add_context(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # A workflow has no context of ours: its trace is OpenTelemetry's, and its id is the payment's.
    if trace := trace_id.get() or tracing.seen():
        event.setdefault("trace_id", trace)
    told = event.get("temporal_workflow") or event.get("temporal_activity") or {}
    if payment := payment_id.get() or told.get("workflow_id"):
        event.setdefault("payment", payment)
    return event


def _render(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    # orjson escapes control characters, so no value can forge a line of its own (SEC-14).
    return orjson.dumps(dict(event), default=repr).decode()


def configure_logging(process: str, level: int = logging.INFO) -> None:
    """Send every log of this process, whoever writes it, to stdout as one masked JSON object per line.

    The standard library's loggers go through the same processors, since libraries print exceptions whose message or
    traceback holds what they were given (Temporal's activity logger does).
    """

    def add_process(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_process,
        _add_context,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _mask_event,
            _render,
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
