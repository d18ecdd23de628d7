"""All simulators of this checkout in a thread, for blocking clients: their documents, accounts, and odd requests."""

import asyncio
import json
import threading
import urllib.request
from collections.abc import Coroutine
from typing import Any, TypeVar
from urllib.parse import urlencode

from simulators.kit.examples import Examples, encoded, flat
from simulators.kit.serving import Simulators

T = TypeVar("T")
Json = dict[str, Any]


class Playground:
    """Runs until `close`; every account of it is a new one."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.group = Simulators()
        self.run(self.group.start())
        self.control = self.group.control_url

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run in the simulators' thread and wait."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def get(self, path: str) -> Any:
        """What the control plane shows."""
        with urllib.request.urlopen(self.control + path, timeout=30) as answer:
            return json.load(answer)

    def account(self, slug: str) -> Json:
        """A new account, as the control plane shows it."""
        request = urllib.request.Request(f"{self.control}/v1/{slug}/accounts", b"{}", method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            view: Json = json.load(answer)
        return view

    def document(self, name: str) -> Json:
        """A simulator's document, or the control plane's (`control`)."""
        path = "/openapi.json" if name == "control" else f"/v1/simulators/{name}/openapi.json"
        found: Json = self.get(path)
        return found

    def examples(self, name: str) -> Examples:
        """The examples of a document, with an account of their own; the control plane's speak of dummypay."""
        slug = "dummypay" if name == "control" else name
        return Examples(self.document(name), self.account(slug), self.control)

    def close(self) -> None:
        """Stop everything."""
        self.run(self.group.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def odd_request(
    examples: Examples, operation: Json, path: str, query: Any, body: Any, media_type: str | None, method: str
) -> int:
    """Send what a fuzzer thought of; returns the status."""
    pairs = urlencode(list(flat(query))) if isinstance(query, dict) else ""
    url = examples.server + path + (f"?{pairs}" if pairs else "")
    content = None if media_type is None else encoded(body, media_type)
    return examples.send(method, url, content, media_type, operation)[0]
