"""Where everything is: `.payera/env.json`, as `payera up` writes it."""

import json
from dataclasses import dataclass
from pathlib import Path


class NoEnvironment(Exception):
    """There is no environment to run against; the message says how to start one."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Addresses of one environment. URLs have no trailing slash; `supervisor` is a Unix socket."""

    gateway: str
    control: str
    admin_key: str
    postgres: str
    kafka: str
    topic: str
    supervisor: Path


def load(path: Path) -> Surroundings:
    """Read `env.json`. Raises `NoEnvironment` if it is absent or holds less than the runner needs."""
    if not path.exists():
        raise NoEnvironment(f"{path} is not there: start an environment with `make up`, or name one with --env-file")
    env = json.loads(path.read_text(encoding="utf-8"))
    try:
        return Surroundings(
            gateway=env["gateway"].rstrip("/"),
            control=env["control"].rstrip("/"),
            admin_key=env["admin_key"],
            postgres=env["postgres"],
            kafka=env["kafka"],
            topic=env.get("topic", "payera.payments.v1"),
            supervisor=Path(env.get("supervisor") or path.parent / "supervisor.sock"),
        )
    except KeyError as error:
        raise NoEnvironment(f"{path} has no {error}: stop the environment and start it again") from error
