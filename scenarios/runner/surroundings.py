"""Where everything is: `.payera/env.json`, as `payera up` writes it."""

import json
from dataclasses import dataclass
from pathlib import Path

from scenarios.runner.supervisor import Containers, Socket, Supervisor

LOOPBACK = "127.0.0.1"


class NoEnvironment(Exception):
    """There is no environment to run against; the message says how to start one."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Addresses of one environment. URLs have no trailing slash.

    `gateway_inside` is the gateway as the simulators reach it. Merchants' endpoints listen on `sink_bind`; the gateway
    knows that place as `sink_host`. Where everything runs on one machine these are what they are from here.
    """

    gateway: str
    control: str
    admin_key: str
    postgres: str
    kafka: str
    topic: str
    supervisor: Supervisor
    gateway_inside: str
    sink_bind: str = LOOPBACK
    sink_host: str = LOOPBACK


def load(path: Path) -> Surroundings:
    """Read `env.json`. Raises `NoEnvironment` if it is absent or holds less than the runner needs."""
    if not path.exists():
        raise NoEnvironment(
            f"{path} is not there: start an environment with `make up` or `make env-up`, or name one with --env-file"
        )
    env = json.loads(path.read_text(encoding="utf-8"))
    inside = env.get("inside", {})
    sink = inside.get("sink", {})
    try:
        return Surroundings(
            gateway=env["gateway"].rstrip("/"),
            control=env["control"].rstrip("/"),
            admin_key=env["admin_key"],
            postgres=env["postgres"],
            kafka=env["kafka"],
            topic=env.get("topic", "payera.payments.v1"),
            supervisor=(
                Containers(env["containers"])
                if "containers" in env
                else Socket(Path(env.get("supervisor") or path.parent / "supervisor.sock"))
            ),
            gateway_inside=inside.get("gateway", env["gateway"]).rstrip("/"),
            sink_bind=sink.get("bind", LOOPBACK),
            sink_host=sink.get("host", LOOPBACK),
        )
    except KeyError as error:
        raise NoEnvironment(f"{path} has no {error}: stop the environment and start it again") from error
