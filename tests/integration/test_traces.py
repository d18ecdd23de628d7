"""Goal: one payment with a fallback attempt is one trace, from the caller's request through the workflow and both PSPs
to Kafka, with the merchant's webhook linked to it; and nothing secret is told. Method: every process with PAYERA_OTLP
at a collector on loopback.
"""

import contextlib
import json
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from compose.embedded import seed
from compose.embedded.http import answers
from compose.embedded.ports import Ports
from compose.embedded.process import Child, Spec
from scenarios.pan_scan import Scanner
from tests.integration.api_world import ROOT, START_WITHIN_S, VISA, Shop, World, running_world
from tests.integration.events_world import read_topic
from tests.integration.otlp_collector import Collector, Span, collecting
from tests.parts import Database, Parts

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PROCESSES = ("worker", "relay", "dispatcher")

pytestmark = pytest.mark.timeout(300)  # the first test waits for four processes and the simulators


@dataclass(frozen=True)
class Traced:
    """A gateway that tells a collector what it does, and the one payment that was made with it."""

    world: World
    shop: Shop
    collector: Collector
    spans: list[Span]
    payment: dict[str, Any]
    topic: str
    kafka: str
    logs: dict[str, list[dict[str, Any]]]

    def of(self, process: str, name: str) -> list[Span]:
        """The spans with that name of the payment's trace, or linked to it."""
        mine = [span for span in self.spans if TRACE in (span.trace, *span.links)]
        return [span for span in mine if (span.process, span.name) == (process, name)]


@contextlib.contextmanager
def _processes(parts: Parts, world: World, folder: Path, env: dict[str, str]) -> Iterator[dict[str, Path]]:
    ports = Ports()
    with contextlib.ExitStack() as stack:
        stack.callback(ports.release)
        logs, children = {}, []
        for name in PROCESSES:
            port = ports.take()
            url = f"http://127.0.0.1:{port}/healthz"
            spec = Spec(
                name=name,
                argv=(sys.executable, "-m", f"gateway.{name}"),
                healthy=lambda url=url: answers(url),
                env=env | {"PAYERA_KEYS": str(world.keys), "PAYERA_PORT": str(port)},
                cwd=ROOT,
                port=port,
                start_within_s=START_WITHIN_S,
            )
            logs[name] = folder / f"{name}.log"
            children.append(Child(spec, logs[name]))
            stack.callback(children[-1].stop)
        for child in children:
            child.wait_healthy()
        yield logs


@pytest.fixture(scope="module")
def traced(parts: Parts, database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    folder = tmp_path_factory.mktemp("traces")
    topic = f"payera.test.{uuid.uuid4().hex[:12]}"
    with collecting() as collector:
        env = {
            "PAYERA_PROFILE": "test",
            "PAYERA_DATABASE": database.app,
            "PAYERA_SYSTEM_DATABASE": database.system,
            "PAYERA_TEMPORAL": parts.temporal,
            "PAYERA_KAFKA": parts.kafka,
            "PAYERA_TOPIC": topic,
            "PAYERA_TASK_QUEUE": topic,
            "PAYERA_OTLP": collector.url,
            "PAYERA_ANSWER_BUDGET_S": "20",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=qa",
        }
        with (
            running_world(parts, database, folder, **{k: v for k, v in env.items() if k != "PAYERA_PROFILE"}) as world,
            _processes(parts, world, folder, {"PAYERA_PSP_TIMEOUT_S": "2", "PAYERA_LEASE_S": "3"} | env) as logs,
        ):
            shop = world.open_shop(routing=False)
            seed.connect(world.url, world.control, shop.secret_key, "stripe")
            routing = {"providers": ["dummypay", "stripe"], "max_fallbacks": 1}
            assert world.call("PUT", "/v1/routing", routing, key=shop.secret_key).status_code == 200
            endpoint = {"url": f"{collector.url}/gone", "enabled_events": ["payment.captured"]}
            assert world.call("POST", "/v1/webhook_endpoints", endpoint, key=shop.secret_key).status_code == 201
            world.fault(shop, {"operation": "authorize"}, {"action": "decline", "code": "91"})
            body = {"amount": 4200, "currency": "EUR", "card": VISA, "description": "of 4242 4242 4242 4242"}
            answer = world.call(
                "POST", "/v1/payments", body, key=shop.secret_key, headers={"traceparent": f"00-{TRACE}-{'a' * 16}-01"}
            )
            assert (answer.status_code, answer.json()["status"]) == (201, "captured"), answer.text
            assert answer.headers["Trace-Id"] == TRACE
            assert world.call("POST", "/v1/payments", {"x": 1}, key="sk_test_0123456789").status_code == 401

            def whole(spans: list[Span]) -> bool:
                here = [(span.process, span.name) for span in spans if TRACE in (span.trace, *span.links)]
                published = here.count(("relay", f"publish {topic}"))
                return (
                    published == 2
                    and ("dispatcher", "deliver webhook") in here
                    and (("api", "POST /v1/payments") in here and ("worker", "authorize stripe") in here)
                )

            collector.wait(whole, "the trace is not whole")
        spans = collector.spans()  # with what the processes sent on their way out
        lines = {name: [json.loads(line) for line in path.read_text().splitlines()] for name, path in logs.items()}
        lines["api"] = [json.loads(line) for line in world.log.read_text().splitlines()]
        yield Traced(world, shop, collector, spans, answer.json(), topic, parts.kafka, lines)


def _tree(spans: list[Span]) -> set[str]:
    """`parent > child` for every span of the trace, by process and name."""
    by_id = {span.id: span for span in spans}
    found = set()
    for span in spans:
        parent = by_id.get(span.parent)
        found.add(f"{f'{parent.process} {parent.name}' if parent else '-'} > {span.process} {span.name}")
    return found


def test_one_trace_from_the_request_to_both_psps_and_kafka(traced: Traced) -> None:
    mine = [span for span in traced.spans if span.trace == TRACE]
    start = "StartUpdateWithStartWorkflow:payment"
    expected = {
        "- > api POST /v1/payments",
        "api POST /v1/payments > api create_payment",
        "api create_payment > api payment_begin_v1",
        "api create_payment > api authorize dummypay",
        "api authorize dummypay > api POST",
        "api create_payment > api payment_apply_v1",
        f"api create_payment > api {start}",
        "worker StartActivity:attempt > worker RunActivity:attempt",
        "worker RunActivity:attempt > worker attempt_payment",
        "worker attempt_payment > worker attempt_begin_v1",
        "worker attempt_payment > worker authorize stripe",
        "worker authorize stripe > worker POST",
        "worker attempt_payment > worker payment_apply_v1",
        f"api payment_begin_v1 > relay publish {traced.topic}",
        f"worker payment_apply_v1 > relay publish {traced.topic}",
    }
    tree = _tree(mine)
    assert expected <= tree, sorted(expected - tree)
    # The caller and the relay start the workflow side by side: whoever is first is its parent.
    begun = {entry for entry in tree if entry.endswith("> worker RunWorkflow:payment")}
    assert begun
    assert begun <= {
        f"api {start} > worker RunWorkflow:payment",
        "relay SignalWithStartWorkflow:payment > worker RunWorkflow:payment",
    }
    # The request's parent is the caller's own span, which is not ours to know.
    (request,) = [span for span in mine if span.name == "POST /v1/payments"]
    assert (request.parent, request.kind) == ("a" * 16, "SERVER")


def test_what_the_spans_say(traced: Traced) -> None:
    (request,) = traced.of("api", "POST /v1/payments")
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/payments",
        "http.response.status_code": 201,
        "url.scheme": "http",
        "payera.merchant.id": traced.shop.id,
        "payera.payment.id": traced.payment["id"],
    }
    (declined,) = traced.of("api", "authorize dummypay")
    assert declined.attributes["payera.operation.id"].startswith("att_")
    assert {name: value for name, value in declined.attributes.items() if name != "payera.operation.id"} == {
        "payera.provider": "dummypay",
        "payera.operation.kind": "authorize",
        "payera.payment.id": traced.payment["id"],
        "payera.outcome": "declined",
        "payera.reason": "issuer_unavailable",
    }
    (approved,) = traced.of("worker", "authorize stripe")
    assert (approved.attributes["payera.outcome"], approved.failed) == ("approved", False)
    (wire,) = [span for span in traced.spans if span.parent == approved.id]
    assert (wire.kind, wire.attributes["http.response.status_code"], wire.attributes["server.address"]) == (
        "CLIENT",
        200,
        "127.0.0.1",
    )
    assert not any(name in wire.attributes for name in ("url.full", "url.path", "url.query"))
    (begin,) = traced.of("api", "payment_begin_v1")
    assert (begin.kind, begin.attributes) == ("CLIENT", {"db.system.name": "postgresql"})


def test_the_webhook_is_linked_to_the_payment(traced: Traced) -> None:
    (first,) = traced.of("dispatcher", "deliver webhook")
    assert first.trace != TRACE
    assert TRACE in first.links
    assert (first.kind, first.failed) == ("CLIENT", True)
    assert first.attributes["payera.event.type"] == "payment.captured"
    assert first.attributes["payera.payment.id"] == traced.payment["id"]
    assert (first.attributes["payera.result"], first.attributes["http.response.status_code"]) == ("dead", 410)
    assert traced.of("dispatcher", f"process {traced.topic}")


def test_polls_make_no_traces(traced: Traced) -> None:
    roots = {span.name for span in traced.spans if not span.parent and span.process == "relay"}
    assert not any(name.startswith(("outbox_", "order_")) for name in roots), roots


def test_kafka_bears_the_trace_and_the_event_stays_as_it_was(traced: Traced) -> None:
    events = read_topic(traced.kafka, traced.topic)
    assert [event["type"] for event in events] == ["payment.created", "payment.captured"]
    assert not any("traceparent" in event for event in events)


def test_nothing_secret_leaves(traced: Traced) -> None:
    scanner = Scanner([VISA["number"]])
    assert [hit for body in traced.collector.bodies for hit in scanner.scan("span", body)] == []
    secrets = [traced.shop.secret_key, traced.shop.publishable_key, traced.shop.psp["api_key"], "sk_test_0123456789"]
    for body in traced.collector.bodies:
        for secret in secrets:
            assert secret.encode() not in body
    values = [value for span in traced.spans for value in span.attributes.values()]
    assert VISA["cvc"] not in values
    assert {headers["x-tenant"] for headers in traced.collector.headers} == {"qa"}


def test_the_lines_of_every_process_name_the_trace(traced: Traced) -> None:
    """What is logged about the payment by anybody bears its id and its trace."""
    about = {
        name: [line for line in lines if line.get("payment") == traced.payment["id"]]
        for name, lines in traced.logs.items()
    }
    assert all(line.get("trace_id") == TRACE for lines in about.values() for line in lines)
    assert [line["event"] for line in about["dispatcher"]] == ["delivery_dead"]
