"""Talking to a supervisor: one JSON line there, one back, over its Unix socket."""

import json
import socket
from pathlib import Path
from typing import Any


class NoSupervisor(Exception):
    """Nobody answers on the control socket."""


def ask(path: Path, request: dict[str, Any], timeout_s: float = 60.0) -> dict[str, Any]:
    """Send one request; the answer. Raises `NoSupervisor` if there is none, or it went away before it answered."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as stream:
                line = stream.readline()
        except OSError as error:
            raise NoSupervisor(f"{path}: {error}") from error
    if not line:
        raise NoSupervisor(f"{path}: closed without an answer")
    answer: dict[str, Any] = json.loads(line)
    return answer
