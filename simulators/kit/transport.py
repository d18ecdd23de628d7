"""uvicorn's HTTP protocol with a handle on the socket, so that an answer can be lost the way networks lose them."""

import socket
import struct
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_LINGER_ZERO = struct.pack("ii", 1, 0)
CONNECTION = "payera.connection"


class Connection(HttpToolsProtocol):
    """One client connection. Every request's scope carries it under `extensions`."""

    on_lost: "Callable[[Connection], None] | None" = None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION: self}  # type: ignore[dict-item] # an object of our own, for our own app

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost(self)

    def reset(self) -> None:
        """Close with a TCP RST: the client sees ECONNRESET, not a clean end."""
        if self.transport.is_closing():
            return
        handle = self.transport.get_extra_info("socket")
        # A duplicate, because uvloop's socket object refuses setsockopt; the option belongs to the connection itself.
        with socket.socket(fileno=socket.dup(handle.fileno())) as twin:
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self.transport.abort()

    def cut(self) -> None:
        """Send what is buffered, then close cleanly: the client has less than was announced."""
        self.transport.close()


def connection_of(scope: Any) -> Connection | None:
    """The connection a request came on, None under another server (in-process test clients)."""
    found = scope.get("extensions", {}).get(CONNECTION)
    return found if isinstance(found, Connection) else None
