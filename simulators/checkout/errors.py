"""Checkout.com's refusals: 422 with codes, everything else by the status alone."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from simulators.kit.http import Answer, Refusal, Request
from simulators.kit.spec import Problem

VERSION = "1.0.0"
"""What `Cko-Version` says; the real value is the PSP's own build number."""


def headers() -> dict[str, str]:
    """The two headers of every answer; `Cko-Request-Id` names one request."""
    return {"cko-request-id": str(uuid.uuid4()), "cko-version": VERSION}


def envelope(status: int, kind: str, codes: Sequence[str]) -> Answer:
    """`{request_id, error_type, error_codes}`; the request id is the header's."""
    named = headers()
    body = {"request_id": named["cko-request-id"], "error_type": kind, "error_codes": list(codes)}
    return Answer.json(status, body, named)


def empty(status: int) -> Answer:
    """An answer without a body, as for 401, 403, 404 and 5xx."""
    return Answer(status, b"", headers())


def invalid(*codes: str) -> NoReturn:
    """Refuse a request because of what it says. Raises Refusal."""
    raise Refusal(envelope(422, "request_invalid", codes))


def not_found() -> NoReturn:
    """Refuse a request for something this account does not have. Raises Refusal."""
    raise Refusal(empty(404))


def not_allowed() -> NoReturn:
    """Refuse an operation that the payment's state does not allow. Raises Refusal."""
    raise Refusal(empty(403))


def problem(kind: Problem, detail: Mapping[str, Any], request: Request) -> Answer:
    """The answer to an error that the kit found."""
    match kind:
        case "unauthenticated" if request.path == "/connect/token":
            return Answer.json(400, {"error": "invalid_client"}, headers())
        case "unauthenticated" if request.path.startswith("/3ds/"):
            return empty(404)
        case "unauthenticated":
            return empty(401)
        case "unknown_route":
            return empty(404)
        case "method_not_allowed":
            return empty(405)
        case "malformed_request":
            return envelope(422, "request_invalid", ["request_json_invalid"])
        case "key_in_use" | "key_reused":
            return envelope(429, "request_invalid", ["duplicate_request"])
        case "rate_limited":
            answer = envelope(429, "request_invalid", ["api_calls_quota_exceeded"])
            answer.headers["retry-after"] = str(detail["retry_after"])
            return answer
        case "server_error":
            return empty(int(detail["status"]))
