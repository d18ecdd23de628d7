"""A port of an account's own, whose connections can be refused.

The port is bound twice: once by a socket that never listens and only keeps the number, once by the listener. Closing
the listener makes the kernel refuse connections (ECONNREFUSED) while nobody else can take the port.
"""

import asyncio
import socket
from collections.abc import Callable

from simulators.kit.transport import Connection


def bound(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A TCP socket bound to `host:port` (0: any). Naming `IPPROTO_TCP` makes asyncio set TCP_NODELAY."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    made.setblocking(False)
    return made


class Door:
    """Starts shut; `set` opens and shuts it, at once and as often as wanted; `close` gives the port back."""

    def __init__(
        self, host: str, make_connection: Callable[[], Connection], port: int = 0, *, public_host: str | None = None
    ) -> None:
        self._host = host
        self._public_host = public_host or host
        self._make = make_connection
        try:
            self._keeper = bound(host, port, shared=True)
        except OSError:  # the port of an earlier run is taken now
            self._keeper = bound(host, 0, shared=True)
        self.port: int = self._keeper.getsockname()[1]
        self._listener: socket.socket | None = None
        self._accepted: set[asyncio.Task[object]] = set()
        self._connections: set[Connection] = set()

    @property
    def url(self) -> str:
        return f"http://{self._public_host}:{self.port}"

    @property
    def is_open(self) -> bool:
        """Whether connections are accepted."""
        return self._listener is not None

    def set(self, is_open: bool) -> None:
        """Accept connections from now on; or refuse them and cut those that stand, requests in flight included."""
        if is_open and self._listener is None:
            self._listener = bound(self._host, self.port, shared=True)
            self._listener.listen(1024)
            # Not `create_server`: how it closes differs between event loops; here closing is closing.
            asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)
        elif not is_open and self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
            for connection in list(self._connections):
                connection.reset()

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except OSError:  # the client gave up before it was its turn
            return
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        task: asyncio.Task[object] = loop.create_task(loop.connect_accepted_socket(self._connected, client))
        self._accepted.add(task)
        task.add_done_callback(self._accepted.discard)

    def _connected(self) -> Connection:
        connection = self._make()
        connection.on_lost = self._connections.discard
        self._connections.add(connection)
        return connection

    def close(self) -> None:
        """Shut it and give the port back."""
        self.set(False)
        self._keeper.close()
