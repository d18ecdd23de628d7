"""Adyen's error envelope `{status, errorCode, message, errorType, pspReference}`, and who gets which.

Codes and messages are those of Adyen's page "Error codes and messages" where it has one for the case.
"""

import random
from collections.abc import Mapping
from typing import Any, NoReturn

from simulators.kit.http import Answer, Refusal, Request
from simulators.kit.spec import Problem

PSP_ALPHABET = "BCDFGHKLMNPQRSTVWXZ23456789"
"""Letters and digits of a pspReference; without vowels, so that no word comes about."""

_chance = random.SystemRandom()


def error(status: int, code: str, message: str, kind: str = "validation", *, transient: bool = False) -> Answer:
    """An error answer. `kind` is validation, security, configuration or internal.

    The pspReference names the failed request and is no part of the account's repeatable sequence. A transient error
    carries Adyen's header of that name: the same request with the same key may succeed later.
    """
    body: dict[str, Any] = {"status": status, "errorCode": code, "message": message, "errorType": kind}
    body["pspReference"] = "".join(_chance.choices(PSP_ALPHABET, k=16))
    headers = {"pspReference": body["pspReference"]} | ({"transient-error": "true"} if transient else {})
    return Answer.json(status, body, headers)


def refuse(status: int, code: str, message: str, kind: str = "validation") -> NoReturn:
    """Refuse a request; nothing of it stands. Raises Refusal."""
    raise Refusal(error(status, code, message, kind))


def missing(field: str) -> NoReturn:
    """A required field is not there. Raises Refusal."""
    known = {
        "reference": ("130", "Reference Missing"),
        "returnUrl": ("14_030", "Return URL is missing."),
        "paymentMethod": ("14_004", "Missing payment method details"),
    }
    code, message = known.get(field, ("100", f"Required object '{field}' is not provided."))
    refuse(422, code, message)


def wrong_merchant() -> NoReturn:
    """The merchant account is missing, or none of this credential's. Raises Refusal."""
    refuse(403, "901", "Invalid Merchant Account", "security")


def unknown_payment() -> NoReturn:
    """A modification names no payment of this account. Raises Refusal."""
    refuse(422, "167", "Original pspReference required for this operation")


def _http(status: int, words: str, kind: str, *, transient: bool = False) -> Answer:
    return error(status, "000", f"HTTP Status Response - {words}", kind, transient=transient)


def problem(kind: Problem, detail: Mapping[str, Any], request: Request) -> Answer:
    """Adyen's answer to an error that the kit found."""
    if kind == "unauthenticated":
        return _http(401, "Unauthorized", "security")
    if kind == "unknown_route":
        return _http(404, "Not Found", "validation")
    if kind == "method_not_allowed":
        return _http(405, "Method Not Allowed", "validation")
    if kind == "malformed_request":
        return error(400, "702", "Unable to read the request: it is no JSON object, or too large")
    if kind in ("key_in_use", "key_reused"):  # Adyen does not compare requests: the second cannot happen
        return error(422, "704", "request already processed or in progress", transient=True)
    if kind == "rate_limited":
        answer = _http(429, "Too Many Requests", "internal", transient=True)
        answer.headers["retry-after"] = str(detail["retry_after"])
        return answer
    return _http(int(detail["status"]), "Internal Server Error", "internal", transient=True)
