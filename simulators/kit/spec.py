"""What a simulator's folder declares: its spec (who it is) and its dialect (how its wire differs from the others')."""

import random
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from simulators.kit.http import Answer, Request
from simulators.kit.idempotency import IdempotencyPolicy

if TYPE_CHECKING:
    from simulators.kit.accounts import Account, World
    from simulators.kit.exchange import Exchange
    from simulators.kit.idempotency import Remembered

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

Problem = Literal[
    "unauthenticated",  # no credential, or one that belongs to no account
    "unknown_route",
    "method_not_allowed",
    "malformed_request",
    "key_reused",  # the same idempotency key with another request
    "key_in_use",  # the same idempotency key while its first request is still being worked on
    "rate_limited",  # detail: retry_after (seconds)
    "server_error",  # detail: status
]
"""Errors that the kit itself has to answer; a dialect turns each into its own envelope (see `Dialect.problem`)."""

Signed = tuple[Mapping[str, str], bytes]
Signer = Callable[[str, bytes, int], Signed]
"""(secret, body, unix time in seconds) → (headers, body): most dialects only add headers, some sign inside the body."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """One PSP's wire, as far as the middle of a request needs to know it. Everything else is in its handlers.

    credential       the API key a request carries, or None
    parse            the body as the handlers read it (`Exchange.body`); raises `Refusal` for what cannot be read
    problem          the PSP's own answer to an error that the kit found: `(kind, detail, request) -> Answer`
    idempotency_key  the key a request carries, or None
    idempotency      what happens to repeated keys
    current          for policies that answer a repeat with the current state or a pointer: `(exchange, remembered)`
    actions          movements of resources by name: `(account, object id, data)`, inside a transaction. They serve
                     lifecycles (`lifecycle.start`) and the control plane's `settle` alike
    indexes          collection → fields on which `Store.find` is fast
    sign             signer of notifications; None: this PSP sends none
    webhook_schedule seconds on the account's clock between attempts; after the last one the delivery has failed
    webhook_headers  headers of every notification beside the signature
    webhook_content_type  of the notification's body
    """

    credential: Callable[[Request], str | None]
    parse: Callable[[Request], dict[str, Any]]
    problem: Callable[[Problem, Mapping[str, Any], Request], Answer]
    idempotency_key: Callable[[Request], str | None] = lambda request: request.headers.get("idempotency-key")
    idempotency: IdempotencyPolicy = field(default_factory=IdempotencyPolicy)
    current: "Callable[[Exchange, Remembered], Answer] | None" = None
    actions: "Mapping[str, Callable[[Account, str, Mapping[str, Any]], None]]" = field(default_factory=dict)
    indexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sign: Signer | None = None
    webhook_schedule: tuple[float, ...] = (5, 60, 600)
    webhook_headers: Mapping[str, str] = field(default_factory=dict)
    webhook_content_type: str = "application/json"


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatorSpec:
    """A simulator as `simulators/<slug>/__init__.py` declares it under the name SIMULATOR.

    `build(world)` gives the ASGI application (usually `Application(world, ROUTES)`). `new_credentials(source)` invents
    `{"api_key", "webhook_secret", "publishable_key"?, "settings"?}` from a seeded source of chance, in the PSP's own
    shape; `settings` is an object of strings: what a client needs besides keys (a merchant account, a channel).
    `default_port` None: the next free one after 12111 in order of slugs. `folder` holds `rules.yaml`.
    `magic()` lists magic values that are not in `rules.yaml`, as `{"when": {…}, "then": …}` for people.
    """

    slug: str
    title: str
    dialect: Dialect
    build: "Callable[[World], AsgiApp]"
    new_credentials: Callable[[random.Random], Mapping[str, Any]]
    folder: Path
    default_port: int | None = None
    magic: Callable[[], list[dict[str, Any]]] = list
