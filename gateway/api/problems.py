"""Every error as `application/problem+json` (RFC 9457): what is wrong, where, and how to mend it.

Nothing that the caller sent is repeated, since it may be card data: names of fields, never their values.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.domain.errors import (
    BadSignature,
    Bug,
    Complaint,
    Conflict,
    NotFound,
    PayeraError,
    Refused,
    StoreUnavailable,
    VaultFailed,
)
from gateway.metrics import note_refusal
from gateway.observability import mask_text, trace_id

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS: tuple[tuple[type[PayeraError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (Refused, 422),
    (BadSignature, 401),
    (VaultFailed, 503),
    (StoreUnavailable, 503),
    (Bug, 500),
)
"""Which refusal is which status: the first row that fits. A test keeps it total."""

TITLES: dict[int, str] = {
    400: "The request cannot be read",
    401: "Authentication failed",
    403: "This key may not do that",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "The request body is too large",
    415: "The body is of another kind",
    422: "The request cannot be carried out",
    429: "Too many requests",
    500: "Something went wrong on our side",
    503: "Try again in a moment",
}
_CODES: dict[int, str] = {
    400: "malformed_body",
    404: "route_not_found",
    405: "method_not_allowed",
    413: "body_too_large",
}
_HOW: dict[str, str] = {
    "missing": "add it",
    "extra_forbidden": "remove it: this resource has no such field",
    "string_pattern_mismatch": "see the pattern in /openapi.json",
    "string_too_long": "shorten it",
    "string_too_short": "give at least one character",
    "int_type": "send a whole number, without quotes and without a decimal point",
    "int_parsing": "send a whole number",
    "greater_than_equal": "send a larger number",
    "less_than_equal": "send a smaller number",
    "literal_error": "use one of the values that it names",
    "enum": "use one of the values in /openapi.json",
    "bool_type": "send true or false",
    "string_type": "send a text",
    "dict_type": "send an object",
    "list_type": "send a list",
}


class Problem(Exception):
    """Raised by the HTTP layer itself, for what no use case knows: authentication, media type, body size."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})


def problem(
    status: int,
    code: str,
    detail: str,
    complaints: Sequence[Complaint] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Build the answer. `instance` names the trace, so that support finds the logs."""
    document: dict[str, Any] = {
        "type": f"urn:payera:problem:{code}",
        "title": TITLES.get(status, "The request failed"),
        "status": status,
        "detail": detail,
        "code": code,
    }
    if complaints:
        document["errors"] = [{"where": one.where, "what": one.what, "how": one.how} for one in complaints]
    document["instance"] = f"urn:payera:trace:{trace_id.get() or 'none'}"
    return Response(orjson.dumps(document), status, dict(headers or {}), MEDIA_TYPE)


def status_of(error: PayeraError) -> int:
    """The HTTP status of a refusal."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def problem_of(error: Exception) -> Response:
    """The answer to any exception. What is not ours to explain becomes a 500 that explains nothing (SEC-14)."""
    match error:
        case Problem():
            return problem(error.status, error.code, error.detail, headers=error.headers)
        case PayeraError():
            return _refusal(error)
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            code = _CODES.get(error.status_code, "http_error")
            detail = _DETAILS.get(error.status_code, "The request failed.")
            return problem(error.status_code, code, detail, headers=error.headers)
        case _:
            return problem(500, "internal_error", "The gateway failed. The trace id names what happened.")


_DETAILS: dict[int, str] = {
    400: "The body is not JSON in UTF-8.",
    404: "There is nothing at this address; /openapi.json lists what there is.",
    405: "This address does not take this method; the header Allow names those that it takes.",
    413: "The body is larger than this address takes.",
}


def _refusal(error: PayeraError) -> Response:
    status = status_of(error)
    note_refusal(error)
    headers: dict[str, str] = {}
    if status >= 500:
        _log.error("answered %d: %s", status, error)
    detail = error.detail
    if status == 503 or error.code == "idempotency_in_progress":
        headers["Retry-After"] = "1"
    if isinstance(error, BadSignature):
        detail = "The signature does not hold."
    if isinstance(error, Bug | VaultFailed):
        detail = "The gateway failed. The trace id names what happened."
    return problem(status, error.code, detail, error.complaints, headers)


def _invalid(error: RequestValidationError) -> Response:
    found = error.errors()
    if any(entry["type"] == "json_invalid" for entry in found):
        return problem(400, "malformed_body", _DETAILS[400])
    complaints = [_complaint(entry) for entry in found[:20]]
    return problem(422, "invalid_request", "Some fields are wrong; `errors` names each.", complaints)


def _complaint(entry: Mapping[str, Any]) -> Complaint:
    # The first part is body, query, path or header; a body's fields are named as the caller wrote them.
    place = [str(part) for part in entry["loc"]]
    where = ".".join(place[1:] if place[0] == "body" and len(place) > 1 else place)
    safe = mask_text(where.encode("utf-8", "replace").decode())[:100]
    context = entry.get("ctx") or {}
    carried = context.get("error")
    if isinstance(carried, ComplaintError):
        return Complaint(safe, carried.what, carried.how)
    return Complaint(safe, _WHAT.get(entry["type"], entry["msg"]), _HOW.get(entry["type"], "see /openapi.json"))


_WHAT: dict[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this resource",
    "string_unicode": "is not valid Unicode",
}


class ComplaintError(ValueError):
    """Raised by a schema's own check. `what` and `how` are fixed sentences: they never hold a value."""

    def __init__(self, what: str, how: str) -> None:
        super().__init__(what)
        self.what = what
        self.how = how


def install(app: FastAPI) -> None:
    """Let every exception of a handler become a problem."""

    async def handle(_: Request, error: Exception) -> Response:
        return problem_of(error)

    for kind in (Problem, PayeraError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, handle)
