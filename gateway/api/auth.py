"""Who is calling: API keys of merchants, and the operator's admin key."""

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request

from gateway.api.problems import Problem
from gateway.api.throttle import Rates, Throttle
from gateway.domain.errors import Complaint, Refused
from gateway.observability import mask_text
from gateway.use_cases.ports import ApiKeys, Store

CACHE_S = 1.0
"""A revoked key works no longer than this (SEC-06)."""
ACQUAINTED_S = 600.0
"""A key that was valid so recently is looked up even where its source is throttled: who guesses behind the same address
must not lock the others out."""

_CACHED = 10_000

Kind = Literal["secret", "publishable", "admin"]


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller. `merchant` is empty for the operator."""

    merchant: str
    kind: Kind


class Authentication:
    """Looks keys up by their keyed hash and remembers the answer for a second."""

    def __init__(
        self,
        store: Store,
        keys: ApiKeys,
        *,
        environment: str,
        admin_key: str | None,
        throttle: Throttle | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._keys = keys
        self._prefixes = (f"sk_{environment}_", f"pk_{environment}_")
        self._admin_hash = keys.api_key_hash(admin_key) if admin_key else None
        self._throttle = throttle or Throttle(Rates())
        self._clock = clock
        self._cache: OrderedDict[str, tuple[float, Caller]] = OrderedDict()

    async def caller(self, authorization: str | None, source: str = "") -> Caller:
        """The caller behind an Authorization header, its request counted. `source`: the address that it came from.

        Raises `Problem` 401, which says no more than that it does not hold, and 429 for what comes too often.
        """
        try:
            caller = await self._recognize(authorization, source)
        except Problem as refused:
            if refused.status == 401:
                self._throttle.failed(source)
            raise
        self._throttle.admit(caller.merchant, caller.kind)
        return caller

    async def _recognize(self, authorization: str | None, source: str) -> Caller:
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key or not key.isascii():
            self._throttle.check_source(source)
            raise _unauthenticated("Send a key as `Authorization: Bearer <key>`.")
        key_hash = self._keys.api_key_hash(key.strip())
        if self._admin_hash is not None and hmac.compare_digest(key_hash, self._admin_hash):
            return Caller("", "admin")
        if not self._is_acquainted(key_hash):
            self._throttle.check_source(source)
        # A key of another environment is refused before anybody asks the database for it.
        caller = await self._look_up(key_hash) if key.startswith(self._prefixes) else None
        if caller is None:
            raise _unauthenticated("The key is not known here.")
        return caller

    def _is_acquainted(self, key_hash: str) -> bool:
        cached = self._cache.get(key_hash)
        return cached is not None and cached[0] + ACQUAINTED_S > self._clock()

    async def _look_up(self, key_hash: str) -> Caller | None:
        now = self._clock()
        cached = self._cache.get(key_hash)
        if cached is not None and cached[0] > now:
            return cached[1]
        row = await self._store.system("api_key_lookup_v1", {"hash": key_hash})
        caller = Caller(row["merchant"], row["kind"]) if row else None
        if caller is None:
            self._cache.pop(key_hash, None)  # revoked: a stranger from now on
        else:  # strangers are not remembered: guessing must not fill the cache
            self._cache[key_hash] = (now + CACHE_S, caller)
            while len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        return caller


def check_reach(caller: Caller, method: str, path: str) -> None:
    """Which part of the API a kind of key reaches at all, before a byte of the body is read. Raises `Problem` 403."""
    operators = path == "/v1/merchants" or path.startswith(("/v1/merchants/", "/v1/operator/"))
    match caller.kind:
        case "secret":
            allowed = not operators
        case "publishable":
            allowed = (method, path) == ("POST", "/v1/tokens")
        case _:
            allowed = operators
    if not allowed:
        raise Problem(403, "key_not_allowed", f"A {caller.kind} key may not do this.")


def _unauthenticated(detail: str) -> Problem:
    return Problem(401, "unauthenticated", detail, {"WWW-Authenticate": "Bearer"})


def _caller(request: Request, kinds: frozenset[Kind]) -> Caller:
    # The edge authenticated every request below /v1 before a byte of its body was read.
    caller: Caller = request.scope["payera.caller"]
    if caller.kind not in kinds:
        raise Problem(403, "key_not_allowed", f"A {caller.kind} key may not do this.")
    if request.scope["query_string"]:
        _refuse_unknown_queries(request)
    return caller


def _refuse_unknown_queries(request: Request) -> None:
    """A filter with a typing error must not list everything."""
    known = {parameter.alias for parameter in request.scope["route"].dependant.query_params}
    strange = sorted(set(request.query_params) - known)
    if strange:
        where = "query." + mask_text(strange[0].encode("utf-8", "replace").decode())[:100]
        how = f"this operation takes: {', '.join(sorted(known)) or 'none'}"
        complaint = Complaint(where, "is not a parameter of this operation", how)
        raise Refused("invalid_request", "Some fields are wrong; `errors` names each.", (complaint,))


_SECRET: frozenset[Kind] = frozenset({"secret"})
_SECRET_OR_PUBLISHABLE: frozenset[Kind] = frozenset({"secret", "publishable"})
_ADMIN: frozenset[Kind] = frozenset({"admin"})


async def merchant_of(request: Request) -> str:
    """The merchant of a secret key. Raises `Problem` 403 for any other key, `Refused` for an unknown parameter."""
    return _caller(request, _SECRET).merchant


async def _secret_or_publishable(request: Request) -> str:
    return _caller(request, _SECRET_OR_PUBLISHABLE).merchant


async def _admin(request: Request) -> Caller:
    return _caller(request, _ADMIN)


Merchant = Annotated[str, Depends(merchant_of)]
"""The merchant of a secret key."""

TokenMerchant = Annotated[str, Depends(_secret_or_publishable)]
"""The merchant of a secret or publishable key."""

Admin = Annotated[Caller, Depends(_admin)]
"""The operator."""
