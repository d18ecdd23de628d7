"""One scenario's world: a fresh merchant, fresh accounts at the simulators, an endpoint of its own; what it holds."""

import asyncio
import secrets
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
from faker import Faker

from scenarios.runner import disputes, money, reviews, routing
from scenarios.runner.evidence import Endpoint, Entry, Evidence
from scenarios.runner.expect import Observed
from scenarios.runner.language import Scenario
from scenarios.runner.sink import Sink
from scenarios.runner.store import Store
from scenarios.runner.surroundings import Surroundings
from scenarios.runner.topic import Topic
from scenarios.runner.wire import Account, Call, Control, Gateway, Unexpected

RESOLUTION = {"max_processing_s": 0.3, "index_lag_s": 0.3}
"""Seconds that replace a connector's own: simulators are quick, so an unknown may be resolved as quickly."""


@dataclass(frozen=True, slots=True)
class Hub:
    """What all scenarios of a run share."""

    surroundings: Surroundings
    session: aiohttp.ClientSession
    control: Control
    sink: Sink
    topic: Topic
    store: Store


@dataclass(slots=True)
class Asked:
    """One request that a step made, and every answer to it (retries included)."""

    name: str
    verb: str
    path: str
    key: str | None
    body: bytes
    payment: str | None = None
    calls: list[Call] = field(default_factory=list)
    tasks: list[asyncio.Task[Call]] = field(default_factory=list)
    reference: str | None = None

    @property
    def first(self) -> Call | None:
        """The first answer that came."""
        return next((call for call in self.calls if call.status is not None), None)

    @property
    def answered_id(self) -> str | None:
        """The id of what it made, as soon as any answer named it."""
        for call in self.calls:
            if call.status is not None and call.status < 300 and call.json.get("id"):
                return str(call.json["id"])
        return None


@dataclass(slots=True)
class World:
    """A scenario's own part of the environment. `seed` decides every made-up value in it."""

    hub: Hub
    scenario: Scenario
    merchant: str
    gateway: Gateway
    endpoint: str | None
    accounts: dict[str, Account]
    made_up: Faker
    asked: dict[str, Asked] = field(default_factory=dict)
    simulated: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What `simulate` steps were told, by name."""

    @property
    def operator(self) -> Gateway:
        """The gateway as an operator sees it: past the merchant, and not part of what a client was told."""
        around = self.hub.surroundings
        return Gateway(
            self.hub.session, around.gateway, around.admin_key, headers={"Payera-Operator": reviews.OPERATOR}
        )

    async def payment_id(self, name: str) -> str | None:
        """The id of a payment by its name in the scenario; looked up by our reference where no answer named it."""
        asked = self.asked[name]
        if asked.verb != "pay":
            return asked.payment
        if asked.payment is None:
            asked.payment = asked.answered_id
        if asked.payment is None and asked.reference is not None:
            rows = (await self.gateway.get(f"/v1/payments?reference={asked.reference}"))["data"]
            asked.payment = str(rows[0]["id"]) if rows else None
        return asked.payment

    async def payments(self) -> dict[str, str]:
        """The payments made so far: id by name."""
        names = [name for name, asked in self.asked.items() if asked.verb == "pay"]
        found = {name: await self.payment_id(name) for name in names}
        return {name: identifier for name, identifier in found.items() if identifier is not None}

    async def observe(self) -> Observed:
        """Look at everything that the scenario has names for, from outside."""
        observed = Observed(
            http={name: asked.first.status if asked.first else None for name, asked in self.asked.items()}
        )
        net: Counter[tuple[str, str]] = Counter()
        received = self.hub.sink.boxes[self.merchant].received
        accepted = {one.id: one.event for one in received if 200 <= one.answered < 300}
        for name, identifier in (await self.payments()).items():
            path = f"/v1/payments/{identifier}"
            observed.views[name] = await self.gateway.get(path)
            observed.attempts[name] = (await self.gateway.get(f"{path}/attempts"))["data"]
            observed.operations[name] = (await self.gateway.get(f"{path}/operations"))["data"]
            if told_of(self.scenario, "disputes"):
                observed.disputes[name] = await disputes.of(self.gateway, identifier)
            events = (await self.gateway.get(f"{path}/events"))["data"]
            events.sort(key=lambda event: int(event["sequence"]))
            observed.events[name] = [event["type"] for event in events]
            observed.rest_s |= _rest(name, events)
            told = sorted(
                (event for event in accepted.values() if event.get("subject") == identifier),
                key=lambda event: int(event["sequence"]),
            )
            observed.webhooks[name] = [event["type"] for event in told]
            for posting in (await self.gateway.get(f"{path}/ledger"))["data"]:
                for line in posting["lines"]:
                    net[(line["account"], line["currency"])] += line["amount"]
        observed.ledger = net
        await self._observe_others(observed)
        if told_of(self.scenario, "circuits"):
            observed.circuits = await routing.circuits(self.gateway)
        if told_of(self.scenario, "statistics"):
            observed.statistics = await routing.statistics(self.gateway)
        for provider, account in self.accounts.items():
            observed.journal[provider] = await journal(account)
            rows = await account.requests()
            observed.requests[provider] = Counter(row["operation"] for row in rows)
            observed.brought[provider] = [row["brought"] for row in rows if "brought" in row]
        return observed

    async def _observe_others(self, observed: Observed) -> None:
        observed.views |= self.simulated
        for name, asked in self.asked.items():
            if asked.verb == "refund" and asked.answered_id:
                observed.views[name] = await self.gateway.get(f"/v1/refunds/{asked.answered_id}")
            elif asked.verb == "tokenize" and asked.answered_id:
                observed.views[name] = await self.gateway.get(f"/v1/tokens/{asked.answered_id}")
            elif asked.verb in {"capture", "cancel", "reauthorize"} and asked.first is not None:
                observed.views[name] = asked.first.json

    async def evidence(self) -> Evidence:
        """Everything that the invariants judge, from the three sources and the client's side."""
        store, merchant = self.hub.store, self.merchant
        dead = await store.dead_letters(merchant)
        endpoints = []
        if self.endpoint is not None:
            received = tuple(self.hub.sink.boxes[merchant].received)
            wants = tuple(self.scenario.given.get("webhooks", {}).get("events", ["*"]))
            endpoints.append(Endpoint(self.endpoint, wants, received, dead.get(self.endpoint, frozenset())))
        return Evidence(
            merchant=merchant,
            payments=await store.payments(merchant),
            operations=await store.operations(merchant),
            ledger=await store.ledger(merchant),
            disputes=await store.disputes(merchant),
            events=await store.events(merchant),
            messages=tuple(self.hub.topic.by_merchant[merchant]),
            topic_fault=self.hub.topic.broken,
            journals={provider: await journal(account) for provider, account in self.accounts.items()},
            endpoints=endpoints,
            calls=tuple(self.gateway.calls),
        )


def told_of(scenario: Scenario, section: str) -> bool:
    """Whether a scenario expects anything of a section, at its end or on the way."""
    expected = [scenario.then, *(step.told for step in scenario.steps if step.verb == "expect")]
    return any(section in each for each in expected)


async def journal(account: Account) -> list[Entry]:
    """A simulator's journal as evidence."""
    return [
        Entry(
            seq=row["seq"],
            kind=row["kind"],
            amount=row["amount"],
            currency=row["currency"].upper(),
            object=row["object"],
            parent=row.get("parent"),
            reference=row.get("reference"),
            payment=row.get("payment"),
            code=row.get("code"),
        )
        for row in await account.journal()
    ]


def _rest(name: str, events: list[dict[str, Any]]) -> dict[str, float]:
    """Seconds from `payment.created` to the first event that says a resting status."""
    if not events:
        return {}
    began = datetime.fromisoformat(events[0]["time"])
    for event in events[1:]:
        if event["data"]["payment"]["status"] != "processing":
            return {name: (datetime.fromisoformat(event["time"]) - began).total_seconds()}
    return {}


async def build(hub: Hub, scenario: Scenario, seed: int) -> World:
    """Make a scenario's world: merchant, PSP accounts and their faults, routing, endpoint. Raises `Unexpected`."""
    made_up = Faker("en_GB")
    made_up.seed_instance(f"{seed} {scenario.id}")
    admin = Gateway(hub.session, hub.surroundings.gateway, hub.surroundings.admin_key)
    merchant = await admin.post(
        "POST", "/v1/merchants", {"name": f"{made_up.company()} ({scenario.id})"} | scenario.given.get("merchant", {})
    )
    world = World(
        hub=hub,
        scenario=scenario,
        merchant=merchant["id"],
        gateway=Gateway(hub.session, hub.surroundings.gateway, merchant["secret_key"]),
        endpoint=None,
        accounts={},
        made_up=made_up,
    )
    # Not from the run's seed: credentials come from it, and an environment may have met this seed before.
    accounts = [_account(world, provider, secrets.randbits(48)) for provider in scenario.route]
    world.accounts = dict(zip(scenario.route, await asyncio.gather(*accounts), strict=True))
    await world.gateway.post("PUT", "/v1/routing", routing.document(scenario.given, world.accounts))
    told = scenario.given.get("webhooks", {})
    endpoint = await world.gateway.post(
        "POST",
        "/v1/webhook_endpoints",
        {"url": f"{hub.sink.url}/{world.merchant}", "enabled_events": told.get("events", ["*"])},
    )
    world.endpoint = endpoint["id"]
    box = hub.sink.boxes[world.merchant]
    box.secret, box.answers = endpoint["secret"], list(told.get("answers", []))
    await add_faults(world, scenario.given.get("faults", {}))
    world.gateway.calls.clear()  # the set-up is nobody's evidence
    return world


async def _account(world: World, provider: str, seed: int) -> Account:
    hub, given = world.hub, world.scenario.given
    special = given.get("accounts", {}).get(provider, {})
    wanted = {"seed": seed, "door": needs_door(world.scenario, provider)}
    if "simulator" in special:
        wanted["settings"] = special["simulator"]
    made = await hub.control.call("POST", f"/v1/{provider}/accounts", wanted)
    settings = {
        **made.get("settings", {}),
        **special.get("settings", {}),
        "resolution": RESOLUTION | given.get("resolution", {}),
    }
    body = {
        "provider": provider,
        "base_url": made["url"].rstrip("/"),
        "credentials": {"api_key": made["api_key"], "webhook_secret": made["webhook_secret"]},
        "settings": settings,
    }
    at_gateway = await world.gateway.post("POST", "/v1/provider_accounts", body)
    account = Account(
        control=hub.control,
        provider=provider,
        id=made["account"],
        url=made["url"].rstrip("/"),
        api_key=made["api_key"],
        webhook_secret=made["webhook_secret"],
        gateway_account=at_gateway["id"],
    )
    if "lifecycle" in special:
        await hub.control.call("PUT", f"{account.path}/lifecycle", special["lifecycle"])
    if given.get("provider_webhooks", True):
        url = hub.surroundings.gateway_inside + at_gateway["webhook_path"]
        await hub.control.call("PUT", f"{account.path}/webhook", {"url": url, "events": ["*"]})
    return account


def needs_door(scenario: Scenario, provider: str) -> bool:
    """Whether a provider's account needs a port of its own: only a port can refuse connections."""
    rules = [scenario.given.get("faults", {})] + [step.told for step in scenario.steps if step.verb == "fault"]
    return any("connection_refused" in str(rule.get(provider, "")) for rule in rules)


async def add_faults(world: World, faults: dict[str, Any]) -> None:
    """Add the language's fault rules to the scenario's own accounts."""
    for provider, told in faults.items():
        if provider not in world.accounts:
            raise Unexpected(f"{provider} is not on the route")
        for rule in told if isinstance(told, list) else [told]:
            await world.accounts[provider].add_fault(in_minor_units(rule))


def in_minor_units(rule: Any) -> Any:
    """A rule as the control plane takes it: `amount: EUR 42.00` becomes 4200."""
    if isinstance(rule, list):
        return [in_minor_units(item) for item in rule]
    if not isinstance(rule, dict):
        return rule
    return {
        key: money.parse(item).amount if key == "amount" and isinstance(item, str) else in_minor_units(item)
        for key, item in rule.items()
    }
