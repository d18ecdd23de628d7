"""The few HTTP calls the environment itself makes, on loopback, with the standard library alone."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit


class CallFailed(Exception):
    """An HTTP call answered with an error, or not at all. The message says which call and what came back."""


def call(
    method: str,
    url: str,
    body: Any = None,
    *,
    bearer: str | None = None,
    more_headers: dict[str, str] | None = None,
    timeout_s: float = 10.0,
) -> Any:
    """One JSON call; the parsed answer. Raises `CallFailed` for anything but 2xx."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
    headers = {"Content-Type": "application/json", **(more_headers or {})}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path or "/", None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        raw = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise CallFailed(f"{method} {url}: {type(error).__name__}: {error}") from error
    finally:
        connection.close()
    if not 200 <= answer.status < 300:
        raise CallFailed(f"{method} {url}: HTTP {answer.status}: {raw[:500].decode(errors='replace')}")
    return json.loads(raw) if raw else None


def answers(url: str, timeout_s: float = 1.0) -> bool:
    """True if a GET of `url` answers 200."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout_s)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
