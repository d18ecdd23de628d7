"""Dummypay's error envelope, and its answer to everything that the kit finds wrong."""

from collections.abc import Mapping
from typing import Any, NoReturn

from simulators.kit.http import Answer, Refusal, Request
from simulators.kit.spec import Problem

_PROBLEMS: dict[Problem, tuple[int, str, str]] = {
    "unauthenticated": (401, "authentication_failed", "No account has this API key."),
    "unknown_route": (404, "not_found", "There is nothing at this path."),
    "method_not_allowed": (405, "invalid_request", "This path does not take this method."),
    "malformed_request": (400, "invalid_request", "The body is not a JSON object."),
    "key_reused": (409, "key_reused", "This idempotency key came with another request."),
    "key_in_use": (409, "key_in_use", "The first request with this idempotency key is still being worked on."),
    "rate_limited": (429, "rate_limited", "Too many requests."),
    "server_error": (500, "server_error", "Something went wrong on our side."),
}


def error(status: int, kind: str, message: str, param: str | None = None) -> Answer:
    """`{error: {type, message, param?}}`."""
    body = {"type": kind, "message": message} | ({"param": param} if param is not None else {})
    return Answer.json(status, {"error": body})


def problem(kind: Problem, detail: Mapping[str, Any], request: Request) -> Answer:
    """The answer to an error of the kit."""
    status, word, message = _PROBLEMS[kind]
    answer = error(detail.get("status", status), word, message)
    if kind == "rate_limited":
        answer.headers["retry-after"] = str(detail["retry_after"])
    return answer


def invalid(param: str, message: str) -> NoReturn:
    """Refuse a request because of one field. Raises Refusal."""
    raise Refusal(error(400, "invalid_request", message, param))


def not_found(what: str) -> NoReturn:
    """Refuse a request for something this account does not have. Raises Refusal."""
    raise Refusal(error(404, "not_found", f"No such {what}."))


def too_late(message: str) -> NoReturn:
    """Refuse a refund after the time for it. Raises Refusal."""
    raise Refusal(error(409, "too_late", message))


def wrong_state(message: str) -> NoReturn:
    """Refuse an operation that the object's state does not allow. Raises Refusal."""
    raise Refusal(error(409, "wrong_state", message))
