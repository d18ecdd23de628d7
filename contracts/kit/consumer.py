"""The consumer's side: the real connector against Pact's mock server, and against notifications.

A provider declares `CONSUMER` in `contracts/<slug>/consumer.py`. Playing it gives the pact file; what is not played
exactly as declared (another request, another outcome, another fact) gives none.
"""

import asyncio
import dataclasses
import importlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pact import Pact

import contracts
from contracts.kit import shapes
from gateway.connectors.http import HttpClient
from gateway.domain.card import CardSecret, Cvv, Pan, Secret
from gateway.use_cases.ports import Connector, OperationKind, ProviderAccount, ProviderCall
from gateway.use_cases.wire import outcome_to_json
from simulators.kit.spec import SimulatorSpec

Json = dict[str, Any]
Given = tuple[str, Json]
"""A state of the provider and its parameters: see `states`."""
FOLDER = Path(contracts.__file__).parent
NAME = "gateway"
SPECIFICATION = "V4"
PAYMENT = "pay_01contract"
OPERATIONS: Mapping[OperationKind, str] = {
    "authorize": "att_01contract",
    "capture": "cap_01contract",
    "void": "void_01contract",
    "refund": "ref_01contract",
}
"""Our ids in every pact. Both sides use them, so that a read finds what a state has put there."""
AMOUNT, CURRENCY = 4200, "EUR"
TIMEOUT_S = 5.0


class ContractBroken(Exception):
    """The connector did not do what its contract says; the message shows both."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The request that the connector must send. `form` and `body` exclude each other; headers are exact."""

    method: str
    path: str | shapes.Shape
    headers: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    form: Json | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """The answer that the connector relies on; fields it does not need are left out."""

    status: int
    body: Any = None
    headers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One call of the connector. `outcome` is what it must make of the answer, exactly; `call` are fields of the
    ProviderCall besides the usual ones; `read` asks what became of an operation of `kind` in place of sending it.
    `then`: further requests of the same call, each an interaction of its own in the pact, with a description."""

    description: str
    given: tuple[Given, ...]
    kind: OperationKind
    ask: Ask
    say: Say
    outcome: Json
    read: bool = False
    call: Mapping[str, Any] = field(default_factory=dict)
    then: tuple[tuple[str, Ask, Say], ...] = ()

    @property
    def verb(self) -> str:
        return "read" if self.read else self.kind

    @property
    def shows(self) -> str:
        """The class of outcome, as the coverage page calls it."""
        return str(self.outcome["cause"] if self.outcome["kind"] in ("unknown", "not_sent") else self.outcome["kind"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One notification of the PSP. The last state must say which: ("it notifies of", {"type": …}).

    `facts` is what the connector must read in it: (operation id, provider reference, told outcome).
    """

    description: str
    given: tuple[Given, ...]
    body: Any
    headers: Mapping[str, Any]
    facts: tuple[tuple[str | None, str | None, Json | None], ...]
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card of the PSP's published ones."""

    number: str = "4242424242424242"
    exp_month: int = 12
    exp_year: int = 2030
    cvc: str = "737"
    holder_name: str = "Ada Lovelace"

    def secret(self) -> CardSecret:
        """As the vault opens it."""
        return CardSecret(Pan(self.number), self.exp_month, self.exp_year, Cvv(self.cvc), self.holder_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """What one connector needs of its PSP. `credentials` and `settings` are examples of the account's own."""

    slug: str
    credentials: Mapping[str, str]
    exchanges: tuple[Exchange, ...]
    notifications: tuple[Notification, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    card: Card = field(default_factory=Card)

    def account(self, base_url: str) -> ProviderAccount:
        secrets = {name: Secret(value) for name, value in self.credentials.items()}
        return ProviderAccount("pa_01contract", self.slug, base_url, secrets, dict(self.settings))


def provider_call(account: ProviderAccount, kind: OperationKind, changed: Mapping[str, Any]) -> ProviderCall:
    """A call as the gateway makes it, with the ids that all pacts bear."""
    usual = ProviderCall(account, kind, PAYMENT, OPERATIONS[kind], AMOUNT, CURRENCY, TIMEOUT_S)
    return dataclasses.replace(usual, **changed)


def connector_of(slug: str, http: HttpClient) -> Connector:
    """One provider's connector, without importing the others."""
    made: Connector = importlib.import_module(f"gateway.connectors.{slug}").CONNECTOR(http)
    return made


async def send(connector: Connector, call: ProviderCall, card: CardSecret, *, read: bool = False) -> Json:
    """The connector's verb for this call; its outcome as JSON."""
    if read:
        return outcome_to_json(await connector.read(call))
    match call.kind:
        case "authorize":
            return outcome_to_json(await connector.authorize(call, card))
        case "capture":
            return outcome_to_json(await connector.capture(call))
        case "void":
            return outcome_to_json(await connector.void(call))
        case "refund":
            return outcome_to_json(await connector.refund(call))


def consumers() -> dict[str, Consumer]:
    """Every folder of `contracts` that declares a CONSUMER, by slug. No list names a provider."""
    found = {}
    for path in sorted(FOLDER.glob("*/consumer.py")):
        declared = getattr(importlib.import_module(f"contracts.{path.parent.name}.consumer"), "CONSUMER", None)
        if isinstance(declared, Consumer):
            if declared.slug != path.parent.name:
                raise ValueError(
                    f"contracts/{path.parent.name} declares the slug {declared.slug!r}: they must be equal"
                )
            found[declared.slug] = declared
    return found


def pact_file(slug: str, folder: Path | None = None) -> Path:
    """Where a provider's pact is."""
    return (folder or FOLDER / slug / "pacts") / f"{NAME}-{slug}.json"


def play(consumer: Consumer, one: Exchange | Notification, folder: Path) -> None:
    """Play one interaction; on success it is merged into the pact file in `folder`. Raises ContractBroken."""
    pact = Pact(NAME, consumer.slug).with_specification(SPECIFICATION)
    if isinstance(one, Exchange):
        _exchange(pact, consumer, one)
    else:
        _notification(pact, consumer, one)
    pact.write_file(folder)


def play_all(consumer: Consumer, folder: Path) -> Path:
    """The whole pact file, written anew. Raises ContractBroken."""
    path = pact_file(consumer.slug, folder)
    path.unlink(missing_ok=True)
    for one in interactions(consumer):
        play(consumer, one, folder)
    return path


def interactions(consumer: Consumer) -> Iterator[Exchange | Notification]:
    """All of them; raises ValueError where two have the same description."""
    seen: set[str] = set()
    every: tuple[Exchange | Notification, ...] = (*consumer.exchanges, *consumer.notifications)
    for one in every:
        if one.description in seen:
            raise ValueError(f"{consumer.slug}: two interactions are called {one.description!r}")
        seen.add(one.description)
        yield one


def names(one: Exchange | Notification) -> list[str]:
    """The descriptions that it has in the pact."""
    return [one.description, *(name for name, _, _ in (one.then if isinstance(one, Exchange) else ()))]


def _exchange(pact: Pact, consumer: Consumer, one: Exchange) -> None:
    for description, ask, say in ((one.description, one.ask, one.say), *one.then):
        _declare(pact, description, one.given, ask, say)
    with pact.serve("127.0.0.1", raises=False, verbose=False) as server:
        outcome = asyncio.run(_connect(consumer, one, str(server.url).rstrip("/")))
        mismatches = [str(mismatch) for mismatch in server.mismatches]
    if mismatches:
        raise ContractBroken(f"{consumer.slug}: {one.description}: the request differs:\n" + "\n".join(mismatches))
    if outcome != one.outcome:
        raise ContractBroken(f"{consumer.slug}: {one.description}: {outcome} in place of {one.outcome}")


def _declare(pact: Pact, description: str, given: tuple[Given, ...], ask: Ask, say: Say) -> None:
    declared = pact.upon_receiving(description)
    for name, parameters in given:
        declared.given(name, parameters or None)
    declared.with_request(ask.method, shapes.encoded(ask.path))
    for name, value in ask.headers.items():
        declared.with_header(name, value)
    for name, value in ask.query.items():
        declared.with_query_parameter(name, value)
    if ask.form is not None:
        declared.with_body(ask.form, "application/x-www-form-urlencoded")
    elif ask.body is not None:
        declared.with_body(ask.body, "application/json")
    declared.will_respond_with(say.status)
    for name, value in say.headers.items():
        declared.with_header(name, value)
    if say.body is not None:
        declared.with_body(say.body, "application/json")


async def _connect(consumer: Consumer, one: Exchange, url: str) -> Json:
    async with HttpClient() as http:
        connector = connector_of(consumer.slug, http)
        call = provider_call(consumer.account(url), one.kind, one.call)
        return await send(connector, call, consumer.card.secret(), read=one.read)


def _notification(pact: Pact, consumer: Consumer, one: Notification) -> None:
    declared = pact.upon_receiving(one.description, "Async")
    for name, parameters in one.given:
        declared.given(name, parameters or None)
    declared.with_body(one.body, one.content_type)
    # "signature: valid" is the connector's own judgement; the provider's side asks it about what really came.
    declared.with_metadata({"signature": "valid", **one.headers})

    def receive(body: str | bytes | None, _: dict[str, object]) -> None:
        raw = body.encode() if isinstance(body, str) else body or b""
        facts = _facts(consumer, raw)
        if facts != one.facts:
            raise ContractBroken(f"{consumer.slug}: {one.description}: {facts} in place of {one.facts}")

    errors = pact.verify(receive, "Async", raises=False) or []
    for error in errors:
        raise ContractBroken(f"{consumer.slug}: {one.description}: {error}")


def _facts(consumer: Consumer, raw: bytes) -> tuple[tuple[str | None, str | None, Json | None], ...]:
    """What the connector reads in a notification that the PSP has signed just now."""
    simulator: SimulatorSpec = importlib.import_module(f"simulators.{consumer.slug}").SIMULATOR
    sign = simulator.dialect.sign
    if sign is None:
        raise ContractBroken(f"{consumer.slug}: the simulator signs nothing, so no notification can be contracted")
    now_s = time.time()
    headers, body = sign(consumer.credentials["webhook_secret"], raw, int(now_s))
    connector = connector_of(consumer.slug, HttpClient())
    facts = connector.verify_webhook(headers, body, consumer.account("http://127.0.0.1"), now_s)
    return tuple(
        (fact.operation_id, fact.provider_reference, None if fact.outcome is None else outcome_to_json(fact.outcome))
        for fact in facts
    )


def committed(slug: str) -> Json:
    """The committed pact. Raises FileNotFoundError."""
    found: Json = json.loads(pact_file(slug).read_text("utf-8"))
    return found
