"""A request and an answer, as small as they can be: the hot path of every simulator goes through these two."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson

if TYPE_CHECKING:
    from simulators.kit.transport import Connection

JSON = "application/json"


class Request:
    """One HTTP request, read to its end.

    `headers` has lower-case names; of a repeated header the last one stands. `connection` is the socket it came on, so
    that an answer can be lost by a real reset.
    """

    __slots__ = ("_query", "body", "connection", "headers", "method", "path", "query_string", "scheme")

    def __init__(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        query_string: str = "",
        connection: "Connection | None" = None,
        scheme: str = "http",
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.query_string = query_string
        self.connection = connection
        self.scheme = scheme
        self._query: dict[str, str] | None = None

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of a repeated name the last one stands (use `query_string` where lists matter)."""
        if self._query is None:
            self._query = dict(parse_qsl(self.query_string, keep_blank_values=True))
        return self._query

    @property
    def base_url(self) -> str:
        """The address the client called, without a trailing slash: links inside answers are built from it."""
        return f"{self.scheme}://{self.headers.get('host', '127.0.0.1')}"

    def bearer(self) -> str | None:
        """The credential of `Authorization: Bearer …`, None where the header is absent or of another kind."""
        kind, _, value = self.headers.get("authorization", "").partition(" ")
        return value.strip() if kind.lower() == "bearer" and value.strip() else None


@dataclass(slots=True)
class Answer:
    """What is sent back: status, the bytes of the body, and headers beside content-type and content-length."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON

    @classmethod
    def json(cls, status: int, value: Any, headers: Mapping[str, str] | None = None) -> "Answer":
        """An answer whose body is `value` as compact JSON."""
        return cls(status, orjson.dumps(value), dict(headers) if headers else {})

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


class Refusal(Exception):
    """Raised by a parser or a handler to refuse a request: whatever it had written is undone, and no key remembers it.

    For a refusal that does leave a trace (a decline), return the answer instead.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"refused with {answer.status}")
        self.answer = answer
