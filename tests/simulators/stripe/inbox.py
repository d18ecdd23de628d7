"""A merchant's endpoint: keeps what comes, answers as told."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    """One notification as it came."""

    raw: bytes
    headers: dict[str, str]

    @property
    def event(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.raw)
        return value

    @property
    def type(self) -> str:
        return str(self.event["type"])


class Inbox:
    """A server of its own port. `answer` gives the status per attempt, counted from 0."""

    def __init__(self, answer: Callable[[int], int] = lambda attempt: 200) -> None:
        self.got: list[Received] = []
        self._news = threading.Condition()
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                with inbox._news:
                    number = len(inbox.got)
                    inbox.got.append(Received(raw, {key.lower(): value for key, value in self.headers.items()}))
                    inbox._news.notify_all()
                self.send_response(answer(number))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def wait(self, count: int, within_s: float = 10.0) -> list[Received]:
        """Wait for `count` notifications in all. Raises TimeoutError."""
        deadline = time.monotonic() + within_s
        with self._news:
            while len(self.got) < count:
                if not self._news.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"{len(self.got)} of {count} notifications: {[one.type for one in self.got]}")
            return list(self.got)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
