"""Stripe's error envelope: one exception that carries what the answer must say.

Types and codes are the ones of the public API reference (`error.type`: api_error, card_error, idempotency_error,
invalid_request_error); `doc_url` points at Stripe's own page of the code, as the real answers do.
"""

from typing import Any

_DOCS = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """An answer that is not 2xx.

    `stored` says whether an idempotency key remembers this answer: it does not remember refusals before execution.
    """

    def __init__(
        self, status: int, kind: str, message: str, *, code: str | None = None, param: str | None = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.stored = False
        body: dict[str, Any] = {}
        if code is not None:
            body["code"] = code
            body["doc_url"] = _DOCS + code.replace("_", "-")
        body["message"] = message
        if param is not None:
            body["param"] = param
        body.update(more)
        body["type"] = kind
        self.body = body

    def after_execution(self) -> "StripeError":
        """Mark the refusal as made by the executed request (wrong state, not validation): a key remembers it."""
        self.stored = True
        return self


class CardDeclined(StripeError):
    """402 `card_error`. `commits`: what the handler staged stays (the failed charge, the changed intent)."""

    def __init__(self, body: dict[str, Any], *, commits: bool = True) -> None:
        super().__init__(402, "card_error", body["message"])
        self.body = body
        self.commits = commits
        self.stored = True


def invalid(message: str, *, code: str | None = None, param: str | None = None, **more: Any) -> StripeError:
    """400 `invalid_request_error`."""
    return StripeError(400, "invalid_request_error", message, code=code, param=param, **more)


def missing(param: str) -> StripeError:
    """400 `parameter_missing`."""
    return invalid(f"Missing required param: {param}.", code="parameter_missing", param=param)


def unknown(param: str) -> StripeError:
    """400 `parameter_unknown`."""
    return invalid(f"Received unknown parameter: {param}", code="parameter_unknown", param=param)


def empty(param: str) -> StripeError:
    """400 `parameter_invalid_empty`: the empty string unsets, and this parameter can't be unset."""
    return invalid(
        f"An empty string was passed for '{param}', which means to unset it, but '{param}' cannot be unset. "
        "Remove it from the request or give it a value.",
        code="parameter_invalid_empty",
        param=param,
    )


def not_found(kind: str, identifier: str, param: str, *, status: int = 404) -> StripeError:
    """`resource_missing`: 404 when the path names the object, 400 when a parameter does."""
    return StripeError(
        status,
        "invalid_request_error",
        f"No such {kind}: '{identifier}'",
        code="resource_missing",
        param=param,
    )


def unrecognized_url(method: str, path: str) -> StripeError:
    """404 for a path that the API does not have."""
    return StripeError(
        404,
        "invalid_request_error",
        f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing slash. "
        "If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code.",
    )


def unauthorized(key: str | None) -> StripeError:
    """401: no key, or one that no account has. The key is masked as Stripe masks it."""
    if not key:
        return StripeError(
            401,
            "invalid_request_error",
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )
    shown = f"{key[:8]}{'*' * max(0, len(key) - 12)}{key[-4:]}" if len(key) > 12 else "*" * len(key)
    return StripeError(401, "invalid_request_error", f"Invalid API Key provided: {shown}")


def key_reused(key: str) -> StripeError:
    """400 `idempotency_error`: the key was first used with other parameters."""
    return StripeError(
        400,
        "idempotency_error",
        "Keys for idempotent requests can only be used with the same parameters they were first used with. "
        f"Try using a key other than '{key}' if you meant to execute a different request.",
    )


def key_in_use(key: str) -> StripeError:
    """409 `idempotency_key_in_use`: a concurrent request with the key has not ended."""
    return StripeError(
        409,
        "invalid_request_error",
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        f"twice, and the other request is still going through): {key}. Please try again later.",
        code="idempotency_key_in_use",
    )


def rate_limited() -> StripeError:
    """429 `rate_limit`."""
    return StripeError(
        429,
        "invalid_request_error",
        "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits.",
        code="rate_limit",
    )


def server_error(status: int) -> StripeError:
    """5xx `api_error`, which a key remembers once the request was executed."""
    return StripeError(
        status,
        "api_error",
        "Sorry! There was an error while talking to one of our backends. Support has been notified.",
    ).after_execution()
