"""Ports on loopback, so that several environments on one machine never pick the same one.

A free port is only free until somebody else binds it, and environments start in parallel. So a port is first claimed by
binding an abstract Unix socket named after it (Linux: atomic, one per network namespace, gone with its process), then
tried. Preferred ports and random ones (below the range the kernel hands to outgoing connections) go the same way.
"""

import random
import socket
import sys
from dataclasses import dataclass, field

HOST = "127.0.0.1"
_LOW, _HIGH = 15_000, 31_000


def is_free(port: int) -> bool:
    """True if a server could bind `port` on loopback now (a port in TIME_WAIT is free)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


@dataclass(slots=True)
class Ports:
    """The ports one environment holds, until `release` or until its process ends."""

    _claims: dict[int, socket.socket] = field(default_factory=dict)

    def _claim(self, port: int) -> bool:
        if port in self._claims:
            return False
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if sys.platform == "linux":
                claim.bind(f"\0payera-port-{port}")
        except OSError:
            claim.close()
            return False
        if not is_free(port):
            claim.close()
            return False
        self._claims[port] = claim
        return True

    def take(self, preferred: int | None = None) -> int:
        """`preferred` if it is free, else a random free one. Raises `RuntimeError` when none is found."""
        if preferred is not None and self._claim(preferred):
            return preferred
        for _ in range(2_000):
            port = random.randrange(_LOW, _HIGH)  # noqa: S311 - not a secret
            if self._claim(port):
                return port
        raise RuntimeError(f"no free port found between {_LOW} and {_HIGH}")

    def release(self) -> None:
        for claim in self._claims.values():
            claim.close()
        self._claims.clear()


def accepts(port: int, timeout_s: float = 0.5) -> bool:
    """True if somebody listens on `port` of loopback."""
    try:
        socket.create_connection((HOST, port), timeout_s).close()
    except OSError:
        return False
    return True
