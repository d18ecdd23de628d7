"""Where an environment keeps what: one state folder, mode 700, and the secrets made for it on its first start."""

import base64
import fcntl
import hashlib
import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from compose.embedded.process import write_private

_SOCKET_PATH_MAX = 100  # bytes; the kernel's limit is 107, a temporary name beside it must fit too
_KEY_FILES = ("pepper", "fingerprint", "idempotency", "codec")
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one environment. Nothing here touches the disk except `create` and `lock`."""

    state: Path

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def run(self) -> Path:
        """Pid files, and the reason of the last failed start."""
        return self.state / "run"

    @property
    def keys(self) -> Path:
        return self.state / "keys"

    @property
    def postgres(self) -> Path:
        return self.state / "postgres"

    @property
    def temporal(self) -> Path:
        return self.state / "temporal"

    @property
    def kafka(self) -> Path:
        return self.state / "kafka"

    @property
    def simulators(self) -> Path:
        return self.state / "simulators"

    @property
    def env_file(self) -> Path:
        return self.state / "env.json"

    @property
    def secrets_file(self) -> Path:
        return self.state / "secrets.json"

    @property
    def merchant_file(self) -> Path:
        return self.state / "merchant.json"

    @property
    def failure_file(self) -> Path:
        return self.run / "failure.json"

    @property
    def socket(self) -> Path:
        """The supervisor's control socket. Where the kernel refuses the path as too long, one elsewhere."""
        plain = self.state / "supervisor.sock"
        if len(os.fsencode(plain)) <= _SOCKET_PATH_MAX:
            return plain
        name = hashlib.sha256(os.fsencode(self.state)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"payera-{os.getuid()}-{name}" / "supervisor.sock"

    def create(self) -> None:
        """Make the folders, closed to others. Raises `OSError` if the place is not writable."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.logs, self.run, self.keys, self.keys / "cvv", self.simulators, self.socket.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        if self.socket.parent.stat().st_uid != os.getuid():
            raise PermissionError(f"{self.socket.parent} belongs to another user")

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        return self.run / f"{name}.pid"

    def lock(self) -> int | None:
        """The environment's lock: its descriptor (hold it for life), or None while a supervisor has it."""
        descriptor = os.open(self.state / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor


def default_state() -> Path:
    """`PAYERA_STATE`, else `.payera` below the current folder."""
    return Path(os.environ.get("PAYERA_STATE") or ".payera").absolute()


@dataclass(frozen=True, slots=True)
class Secrets:
    """Passwords and the admin key of one environment."""

    postgres: str
    app: str
    system: str
    admin_key: str


def load_secrets(layout: Layout) -> Secrets:
    """Read the secrets and keys of this environment, making what is missing; all files have mode 600."""
    if layout.secrets_file.exists():
        made = Secrets(**json.loads(layout.secrets_file.read_text(encoding="utf-8")))
    else:
        postgres, app, system = (secrets.token_urlsafe(24) for _ in range(3))
        made = Secrets(postgres, app, system, f"ak_{secrets.token_urlsafe(32)}")
        write_private(layout.secrets_file, json.dumps(asdict(made), indent=1))
    for name in _KEY_FILES:
        path = layout.keys / f"{name}.key"
        if not path.exists():
            write_private(path, _random_key())
    kek = layout.keys / "kek.json"
    if not kek.exists():
        key_id = f"kek_{secrets.token_hex(4)}"
        write_private(kek, json.dumps({"current": key_id, "keys": {key_id: _random_key()}}, indent=1))
    return made


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")


def read_json(path: Path) -> Any:
    """The parsed content of a file, or None if it is missing or half written."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
