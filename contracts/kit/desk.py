"""The small HTTP server that Pact's native verifier asks for states and messages.

The library's own is not used: it throws away the values that a state gives, and leaves its sockets open.
"""

import base64
import json
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"
Reply = tuple[int, bytes, dict[str, str]]
"""Status, body, headers besides the length."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The verifier drops connections as it likes; everything else is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Desk:
    """Answers each POST with what `answer(path, headers, body)` says, in a thread of its own. Headers in lower case."""

    def __init__(self, answer: Callable[[str, dict[str, str], bytes], Reply]) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, content, extra = answer(self.path, headers, body)
                self.close_connection = True
                self.send_response(status)
                for name, value in {"connection": "close", "content-length": str(len(content)), **extra}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
                return

        self._server = _Server((HOST, 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://{HOST}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def message_reply(body: bytes, content_type: str, metadata: Mapping[str, str]) -> Reply:
    """A message as the verifier wants it: the metadata travels in a header."""
    packed = base64.b64encode(json.dumps({**metadata, "contentType": content_type}).encode()).decode()
    return 200, body, {"content-type": content_type, "pact-message-metadata": packed}
