"""The processes of an environment: what each needs, how it is started, how its health is seen.

A plan is data: the supervisor starts a process once everything it `needs` is healthy. Specs are made at the moment of
the start, because Kafka's port is only known then.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from compose.embedded.apache_kafka import ApacheKafka, Installation
from compose.embedded.http import answers
from compose.embedded.kafka import Broker, Kafka
from compose.embedded.layout import Layout, Secrets
from compose.embedded.ports import HOST, Ports
from compose.embedded.postgres import Postgres
from compose.embedded.process import Spec
from compose.embedded.temporal import NAMESPACE, Temporal

DATABASE = "payera"
LITTLE, APACHE = "librdkafka", "apache"
"""The two brokers, as `payera up --kafka` and env.json name them."""
TOPIC = "payera.payments.v1"
GATEWAY_PORT, CONTROL_PORT, SIMULATORS_PORT = 8080, 12100, 12111
_CONTROL_OFFSET, _SIMULATORS_OFFSET = 20, 31

# Short enough for people and scenarios to wait for, and still with the fence's rule: PSP timeout below the lease.
TEST_SETTINGS: Mapping[str, str] = {
    "PAYERA_PROFILE": "test",
    "PAYERA_PSP_TIMEOUT_S": "2",
    "PAYERA_LEASE_S": "3",
    "PAYERA_ANSWER_BUDGET_S": "8",
    "PAYERA_CASCADE_WINDOW_S": "60",
    "PAYERA_WEBHOOK_SCHEDULE": "0,1,2,4,8,15,30,60,300,1800",
}


@dataclass(frozen=True, slots=True)
class Service:
    """One process of the plan. `oneshot` runs to its end (exit code 0) before those that need it start."""

    name: str
    needs: tuple[str, ...]
    spec: Callable[[], Spec]
    prepare: Callable[[], None] = lambda: None
    oneshot: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """All processes of one environment with the ports they were given."""

    layout: Layout
    secrets: Secrets
    ports: Mapping[str, int]
    extra: Mapping[str, str] = field(default_factory=dict)
    parts_only: bool = False
    apache: Installation | None = None  # Apache Kafka instead of the little broker
    simulator_ports: dict[str, int] = field(default_factory=dict)  # what they took, for their next start

    @property
    def postgres(self) -> Postgres:
        return Postgres(self.layout.postgres, self.ports["postgres"], self.secrets.postgres)

    @property
    def temporal(self) -> Temporal:
        ports = self.ports
        return Temporal(self.layout.temporal, ports["temporal"], ports["temporal-http"], ports["temporal-metrics"])

    @property
    def kafka(self) -> Broker:
        if self.apache is None:
            return Kafka(self.layout.kafka)
        return ApacheKafka(self.layout.kafka, self.ports["kafka"], self.ports["kafka-controller"], self.apache)

    @property
    def broker(self) -> str:
        return APACHE if self.apache else LITTLE

    @property
    def gateway_url(self) -> str:
        return f"http://{HOST}:{self.ports['api']}"

    @property
    def control_url(self) -> str:
        return f"http://{HOST}:{self.ports['control']}"

    def settings(self, name: str) -> dict[str, str]:
        """What a process of the gateway finds in its environment (docs/architecture.md, section 5)."""
        postgres = self.postgres
        return {
            **TEST_SETTINGS,
            "PAYERA_DATABASE": postgres.dsn(DATABASE, "payera_app", self.secrets.app),
            "PAYERA_SYSTEM_DATABASE": postgres.dsn(DATABASE, "payera_relay", self.secrets.system),
            "PAYERA_TEMPORAL": self.temporal.address,
            "PAYERA_TEMPORAL_NAMESPACE": NAMESPACE,
            "PAYERA_TASK_QUEUE": "payera",
            "PAYERA_KAFKA": self.kafka.address,
            "PAYERA_TOPIC": TOPIC,
            "PAYERA_KEYS": str(self.layout.keys),
            "PAYERA_ADMIN_KEY": self.secrets.admin_key,
            "PAYERA_HOST": HOST,
            "PAYERA_PORT": str(self.ports[name]),
            **self.extra,
        }

    def services(self) -> dict[str, Service]:
        """Every process, by name, in an order in which they may be started one by one."""
        found = [
            Service("postgres", (), self.postgres.spec, self.postgres.prepare),
            Service("temporal", (), self.temporal.spec),
            Service("kafka", (), self.kafka.spec, self.kafka.prepare),
            Service("migrate", ("postgres",), self._migrate, oneshot=True),
        ]
        if self.kafka.administered:
            found.append(Service("topics", ("kafka",), self._topics, oneshot=True))
        if not self.parts_only:
            found += self._own_processes()
        return {service.name: service for service in found}

    def _own_processes(self) -> list[Service]:
        everything = ("migrate", "temporal", "kafka", *(("topics",) if self.kafka.administered else ()))
        return [
            Service("simulators", (), self._simulators),
            self._gateway("api", "gateway.main", everything),
            self._gateway("worker", "gateway.worker", everything),
            self._gateway("relay", "gateway.relay", everything),
            self._gateway("dispatcher", "gateway.dispatcher", everything),
            self._gateway("reporting", "gateway.reporting", everything),
        ]

    def _gateway(self, name: str, module: str, needs: tuple[str, ...]) -> Service:
        def spec() -> Spec:
            return self._python(name, (module,), self.settings(name), self.ports[name])

        return Service(name, needs, spec)

    def _simulators(self) -> Spec:
        options: tuple[str, ...] = ("--host", HOST, "--control-port", str(self.ports["control"]))
        options += ("--port-base", str(self.ports["simulators"]), "--state", str(self.layout.simulators))
        for slug, port in self.simulator_ports.items():
            options += ("--port", f"{slug}={port}")
        return self._python("simulators", ("simulators.main", *options), {}, self.ports["control"])

    def _migrate(self) -> Spec:
        env = {
            "PAYERA_SUPERUSER_DATABASE": self.postgres.dsn(DATABASE),
            "PAYERA_APP_PASSWORD": self.secrets.app,
            "PAYERA_RELAY_PASSWORD": self.secrets.system,
        }
        return self._python("migrate", ("compose.embedded.migrate",), env, None)

    def _topics(self) -> Spec:
        return self._python("topics", ("compose.topics", self.kafka.address), {}, None)

    def _python(self, name: str, module: tuple[str, ...], env: Mapping[str, str], port: int | None) -> Spec:
        return Spec(
            name=name,
            argv=(sys.executable, "-m", *module),
            healthy=(lambda: answers(f"http://{HOST}:{port}/healthz")) if port else (lambda: True),
            env=env,
            cwd=Path(__file__).parents[2],
            port=port,
            stop_within_s=2.0,
        )


def choose_ports(ports: Ports, base: int | None) -> dict[str, int]:
    """The port of every process. `base` None: the preferred ones; 0: any; else gateway at base, control at base + 20,
    simulators from base + 31. A taken one is replaced by a free one."""

    def preferred(usual: int, offset: int) -> int | None:
        if base is None:
            return usual
        return base + offset if base else None

    chosen = {
        "api": ports.take(preferred(GATEWAY_PORT, 0)),
        "control": ports.take(preferred(CONTROL_PORT, _CONTROL_OFFSET)),
        "simulators": preferred(SIMULATORS_PORT, _SIMULATORS_OFFSET) or 0,
    }
    for name in ("worker", "relay", "dispatcher", "reporting", "postgres"):
        chosen[name] = ports.take()
    for name in ("temporal", "temporal-http", "temporal-metrics", "kafka", "kafka-controller"):
        chosen[name] = ports.take()
    return chosen
