"""What an environment on containers keeps on the machine: its folder, secrets and keys, ports, and its project's name.

The folder has mode 700. The files that containers read inside it have mode 444: a container's user is not the person
who started it, and nobody else comes past the folder.
"""

import base64
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compose.embedded.layout import default_state, read_json
from compose.embedded.ports import HOST, Ports
from compose.embedded.process import write_private
from gateway.adapters.keys import create_keys
from simulators.kit.serving import CONTROL_PORT, default_ports, discover

COMPOSE = Path(__file__).parents[1] / "compose.yaml"
ROOT = COMPOSE.parents[1]
DATABASE = "payera"
_GATEWAY_PORT = 8080
_RARELY_TAKEN = 20_000
"""Added to a part's own port for the one it is published on: 5432 and 9092 are often somebody else's."""
_INSIDE = {"postgres": 5432, "temporal": 7233, "kafka": 9094, "control": CONTROL_PORT}


@dataclass(frozen=True, slots=True)
class Folder:
    """The paths of one environment; nothing touches the disk but the methods that say so."""

    path: Path

    @property
    def env_file(self) -> Path:
        return self.path / "env.json"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def ports_file(self) -> Path:
        return self.path / "ports.json"

    @property
    def published(self) -> Path:
        """A compose file: which ports of the parts are reached from the machine."""
        return self.path / "published.yaml"

    @property
    def project(self) -> str:
        """Compose's name for everything that belongs together: COMPOSE_PROJECT_NAME, else one per folder."""
        told = os.environ.get("COMPOSE_PROJECT_NAME")
        return told or f"payera-{hashlib.sha256(os.fsencode(self.path)).hexdigest()[:8]}"

    def secret(self, name: str) -> str:
        return (self.secrets / name).read_text(encoding="utf-8").strip()

    def create(self) -> None:
        """Make the folder with its secrets and keys, if they are not there yet."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.chmod(0o700)
        self.logs.mkdir(exist_ok=True)
        if not self.secrets.exists():
            fresh = self.path / ".secrets"
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            for name, value in _new_secrets().items():
                _write_shared(fresh / name, value)
            fresh.rename(self.secrets)
        if not self.keys.exists():
            fresh = self.path / ".keys"
            shutil.rmtree(fresh, ignore_errors=True)
            create_keys(fresh)
            for file in fresh.iterdir():
                file.chmod(0o755 if file.is_dir() else 0o444)
            fresh.chmod(0o755)
            fresh.rename(self.keys)

    def forget(self) -> None:
        """Remove what belongs to containers that are gone. The logs stay."""
        for folder in (self.secrets, self.keys):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.env_file, self.published, self.ports_file, self.path / "merchant.json"):
            file.unlink(missing_ok=True)


def default_folder() -> Folder:
    """`compose` below the state folder (`PAYERA_STATE`, else `.payera`)."""
    return Folder(default_state() / "compose")


def _new_secrets() -> dict[str, str]:
    superuser, app, relay = (secrets.token_urlsafe(24) for _ in range(3))

    def dsn(user: str, password: str) -> str:
        return f"postgresql://{user}:{password}@postgres:5432/{DATABASE}"

    return {
        "postgres_password": superuser,
        "superuser_database": dsn("postgres", superuser),
        "app_password": app,
        "relay_password": relay,
        "database": dsn("payera_app", app),
        "system_database": dsn("payera_relay", relay),
        "admin_key": f"ak_{secrets.token_urlsafe(32)}",
        "kafka_cluster": base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("="),
    }


def _write_shared(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o444)


@dataclass(frozen=True, slots=True)
class Published:
    """The ports of loopback that lead to the parts, by the part's name; simulators as `simulator:SLUG`."""

    ports: Mapping[str, int]

    def url(self, name: str) -> str:
        return f"http://{HOST}:{self.ports[name]}"

    def simulators(self) -> dict[str, int]:
        return {name.partition(":")[2]: port for name, port in self.ports.items() if name.startswith("simulator:")}


def inner_ports() -> dict[str, int]:
    """The ports that the simulators take inside, by slug."""
    return default_ports(discover())


def choose_ports(folder: Folder, *, keep: bool) -> Published:
    """Free ports: those of an earlier start first, then the preferred. With `keep` (it runs and holds them) the
    earlier ones as they are."""
    known: dict[str, int] = read_json(folder.ports_file) or {}
    wanted = {"gateway": _GATEWAY_PORT, "control": CONTROL_PORT}
    wanted |= {name: port + _RARELY_TAKEN for name, port in _INSIDE.items() if name != "control"}
    wanted |= {f"simulator:{slug}": port for slug, port in inner_ports().items()}
    ports = Ports()
    chosen = {
        name: known[name] if keep and name in known else ports.take(known.get(name, port))
        for name, port in wanted.items()
    }
    ports.release()
    folder.ports_file.write_text(json.dumps(chosen, indent=1), encoding="utf-8")
    return Published(chosen)


def write_published(folder: Folder, published: Published) -> None:
    """The compose file beside `compose.yaml` that opens the parts to this machine (JSON is YAML)."""

    def door(name: str, inner: int) -> str:
        return f"{HOST}:{published.ports[name]}:{inner}"

    services: dict[str, Any] = {
        name: {"ports": [door(name, _INSIDE[name])]} for name in ("postgres", "temporal", "kafka")
    }
    doors = [door("control", CONTROL_PORT)]
    doors += [door(f"simulator:{slug}", port) for slug, port in inner_ports().items()]
    services["simulators"] = {"ports": doors}
    folder.published.write_text(json.dumps({"version": "3.9", "services": services}, indent=1), encoding="utf-8")


def variables(folder: Folder, published: Published) -> dict[str, str]:
    """What `compose.yaml` leaves open. No secret is among them: compose writes variables into labels and logs."""
    cpus = os.cpu_count() or 1
    return {
        "PAYERA_ENV_FOLDER": str(folder.path),
        "PAYERA_GATEWAY_PORT": str(published.ports["gateway"]),
        "PAYERA_KAFKA_PORT": str(published.ports["kafka"]),
        "PAYERA_KAFKA_CLUSTER": folder.secret("kafka_cluster"),
        "PAYERA_CPUS_POSTGRES": f"{min(2, cpus)}.0",
        "PAYERA_CPUS_KAFKA": f"{min(2, cpus)}.0",
        "COMPOSE_PROJECT_NAME": folder.project,
    }


def write_env(folder: Folder, env: Mapping[str, Any]) -> None:
    """env.json, in one step, for its owner alone."""
    write_private(folder.env_file, json.dumps(env, indent=1))
