"""How Checkout.com's wire looks: credentials, bodies, idempotency keys, signatures, ids and times."""

import base64
import hashlib
import hmac
import random
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from simulators.checkout import errors
from simulators.kit.accounts import Account, World, iso
from simulators.kit.exchange import Exchange
from simulators.kit.http import Answer, Refusal, Request

Json = dict[str, Any]

BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
"""The letters of ids and keys (RFC 4648, lower case)."""
OAUTH_S = 3600
"""How long an access token lives, in seconds of real time."""
KEY_RETENTION_S = 86_400.0
"""24 hours, by default, in the sandbox and in production (public page "Idempotency")."""
WEBHOOK_SCHEDULE_S = (300.0, 600.0, 900.0, 1800.0, 3600.0, 14_400.0, 43_200.0, 43_200.0)
"""Up to eight retries: 5, 10, 15, 30 minutes, 1, 4, 12, 12 hours after the attempt before."""

_IDEMPOTENT = re.compile(r"/payments(/[^/]+/(authorizations|captures|refunds|reversals|voids))?")


def new_credentials(source: random.Random) -> dict[str, Any]:
    """Keys of the shape that the official SDKs check: `^sk_(sbox_)?[a-z2-7]{26}[a-z2-7*#$=]$`."""

    def word(length: int) -> str:
        return "".join(source.choices(BASE32, k=length))

    return {
        "api_key": f"sk_sbox_{word(27)}",
        "webhook_secret": word(32),
        "publishable_key": f"pk_sbox_{word(27)}",
        "settings": {"processing_channel_id": f"pc_{word(26)}"},
    }


def new_id(account: Account, prefix: str) -> str:
    """`pay_`, `act_`, `src_` … and 26 characters."""
    return account.new_id(prefix, 26, BASE32)


def now(account: Account) -> str:
    """The account's time as this PSP writes it: ISO 8601 in UTC."""
    return iso(account.clock.now())


# -- credentials
def credential(request: Request) -> str | None:
    """The secret key of `Authorization: Bearer sk_…`, of the older bare `Authorization: sk_…`, or behind an access
    token that has not expired."""
    given = _given(request)
    return _key_of_token(given) if given is not None and "." in given else given


def _given(request: Request) -> str | None:
    return request.bearer() or request.headers.get("authorization") or None


def with_public_key(world: World, request: Request, _params: Mapping[str, str]) -> Account | None:
    """Whose public key or access token this is: secret keys make no card tokens."""
    given = _given(request)
    if given is None or given in world.by_key:
        return None
    for account in world.accounts.values():
        if hmac.compare_digest(account.credentials.get("publishable_key", "").encode(), given.encode()):
            return account
    return world.by_key.get(credential(request) or "")


def with_client(world: World, request: Request, _params: Mapping[str, str]) -> Account | None:
    """Whose access key asks for a token, in the form or by HTTP Basic: its id is the account's public key, its secret
    the secret key."""
    form = dict(parse_qsl(request.body.decode("latin-1")))
    name, secret = form.get("client_id", ""), form.get("client_secret", "")
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(value, validate=True).decode("ascii").partition(":")
        except ValueError:
            return None
    account = world.by_key.get(secret)
    return account if account is not None and account.credentials.get("publishable_key") == name else None


def access_token(x: Exchange) -> Answer:
    """POST /connect/token"""
    if x.body.get("grant_type") != "client_credentials":
        raise Refusal(Answer.json(400, {"error": "unsupported_grant_type"}, errors.headers()))
    claims = orjson.dumps({"sub": x.account.api_key, "exp": int(time.time()) + OAUTH_S})
    body = base64.urlsafe_b64encode(claims).decode().rstrip("=")
    found = {"access_token": f"{body}.{_seal(x.account.api_key, body)}", "token_type": "Bearer", "expires_in": OAUTH_S}
    return Answer.json(200, found, errors.headers())


def _seal(api_key: str, text: str) -> str:
    return hmac.new(api_key.encode(), text.encode(), hashlib.sha256).hexdigest()


def _key_of_token(given: str) -> str | None:
    """The key that an access token stands for, None for one that is forged or has expired (in real time)."""
    body, _, seal = given.partition(".")
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        key, alive = str(claims["sub"]), claims["exp"] > time.time()
    except (ValueError, KeyError, TypeError):
        return None
    return key if alive and hmac.compare_digest(_seal(key, body).encode(), seal.encode()) else None


def by_oauth(x: Exchange) -> bool:
    """Whether the request came with an access token: then it must name its processing channel."""
    return _given(x.request) != x.account.api_key


# -- bodies
def parse(request: Request) -> Json:
    """The JSON object of the body, or the fields of a form; an empty body is an empty object. Raises Refusal."""
    if not request.body:
        return {}
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(request.body.decode("latin-1"), keep_blank_values=True))
    try:
        value = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise Refusal(errors.problem("malformed_request", {}, request))
    return value


def idempotency_key(request: Request) -> str | None:
    """`Cko-Idempotency-Key`, on the endpoints that know it."""
    key = request.headers.get("cko-idempotency-key")
    return key if key and _IDEMPOTENT.fullmatch(request.path) else None


def paging(query: Mapping[str, str], usual: int, most: int) -> tuple[int, int]:
    """`limit` and `skip` of a list. Raises Refusal (422)."""

    def number(name: str, default: int, least: int, highest: int) -> int:
        text = query.get(name, str(default))
        if not text.isascii() or not text.isdigit() or len(text) > 9 or not least <= int(text) <= highest:
            errors.invalid(f"paging_{name}_invalid")
        return int(text)

    return number("limit", usual, 1, most), number("skip", 0, 0, 999_999_999)


def answer(status: int, value: Any) -> Answer:
    """An answer of this PSP."""
    return Answer.json(status, value, errors.headers())


# -- notifications
def sign(secret: str, body: bytes, _timestamp: int) -> tuple[Mapping[str, str], bytes]:
    """`Cko-Signature`: hexadecimal HMAC-SHA256 of the raw body. There is no timestamp in it."""
    return {"Cko-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}, body
