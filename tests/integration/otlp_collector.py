"""A collector for tests: takes OTLP over HTTP on loopback and keeps every span, and the bytes as they came. At /gone it
is a merchant's endpoint that wants nothing more (410)."""

import contextlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Span:
    """One span as the collector received it. Ids in hexadecimal; `links` are the trace ids that it points to."""

    process: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    failed: bool
    attributes: dict[str, Any]
    links: tuple[str, ...]
    events: tuple[str, ...]


@dataclass
class Collector:
    """`bodies` is what arrived, byte for byte."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def spans(self) -> list[Span]:
        return [span for body in list(self.bodies) for span in _spans(body)]

    def wait(self, enough: Callable[[list[Span]], bool], what: str) -> list[Span]:
        """Every span once `enough` says so. Fails after a minute with the names of what came."""
        deadline = time.monotonic() + DEADLINE_S
        while not enough(spans := self.spans()):
            names = sorted({f"{span.process} {span.name}" for span in spans})
            assert time.monotonic() < deadline, f"{what}: {names}"
            time.sleep(0.05)
        return spans


def _spans(body: bytes) -> Iterator[Span]:
    request = ExportTraceServiceRequest.FromString(body)
    for group in request.resource_spans:
        resource = {pair.key: _value(pair.value) for pair in group.resource.attributes}
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Span(
                    process=str(resource["service.name"]).removeprefix("payera-"),
                    name=span.name,
                    kind=span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    failed=span.status.code == span.status.STATUS_CODE_ERROR,
                    attributes={pair.key: _value(pair.value) for pair in span.attributes},
                    links=tuple(link.trace_id.hex() for link in span.links),
                    events=tuple(event.name for event in span.events),
                )


def _value(value: AnyValue) -> Any:
    return getattr(value, value.WhichOneof("value") or "string_value")


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """A collector for the length of the block."""
    collector = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that the standard library asks for
            if self.path == "/gone":
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(410)
                self.end_headers()
                return
            assert self.path == "/v1/traces", self.path
            collector.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        collector.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
