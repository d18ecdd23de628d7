"""Acceptance 9: bad and good input over the whole API, stateless and stateful, with a valid key and faults off.

No 5xx, every answer as /openapi.json says, every error a problem, and at least one 2xx per operation. Ids are drawn
from a seeded merchant half of the time, since no generator guesses an id; generated providers and routings go to a
merchant of their own, so that they do not take the payments of the first one away.
"""

import asyncio
import collections
import hashlib
import hmac
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.api_world import ADMIN_KEY, VISA, Json, Shop, World
from tests.parts import Database

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
BOUNDS = settings(
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SETTLEMENT = """at,type,id,parent,reference,currency,gross,fee,net
2026-11-22T12:00:00Z,sale,ch_1,,att_1,EUR,4200,52,4148
"""
IDS = (
    "payment_id",
    "token_id",
    "refund_id",
    "event_id",
    "endpoint_id",
    "delivery_id",
    "account_id",
    "settlement_id",
    "merchant_id",
    "operation_id",
    "alert_id",
    "dispute_id",
)


@dataclass
class Seeded:
    """Ids that exist, by parameter name; and which statuses each operation gave."""

    shop: Shop
    playground: Shop
    ids: dict[str, list[str]]
    cancelable: list[str]
    held: list[str]
    statuses: dict[str, collections.Counter[int]] = field(
        default_factory=lambda: collections.defaultdict(collections.Counter)
    )

    def key_for(self, operation_id: str) -> str:
        """The key with which an operation may be called."""
        if operation_id.endswith("_merchant") or operation_id.startswith("operator_"):
            return ADMIN_KEY
        # The playground's account is deleted on the way; fees are set on the other's.
        mine = ("provider_account" in operation_id and "fees" not in operation_id) or "routing" in operation_id
        return self.playground.secret_key if mine else self.shop.secret_key

    def check(self, case: Any, response: Any, *, negative: bool = False) -> None:
        """Hold one answer to the document and to the rule about errors."""
        operation_id = case.operation.definition.raw["operationId"]
        self.statuses[operation_id][response.status_code] += 1
        case.validate_response(response, checks=[*CHECKS, *([negative_data_rejection] if negative else [])])
        if response.status_code >= 400:
            assert response.headers["content-type"] == ["application/problem+json"], response.headers
            assert response.json()["status"] == response.status_code


@pytest.fixture(scope="module")
def schema(world: World) -> Any:
    return schemathesis.openapi.from_url(f"{world.url}/openapi.json")


@pytest.fixture(scope="module")
def seeded(world: World, api_database: Database) -> Seeded:
    shop, playground = world.open_shop(), world.open_shop()

    def made(path: str, body: Json, who: Shop = shop) -> Json:
        answer = world.call("POST", path, body, key=who.secret_key)
        assert answer.status_code == 201, answer.text
        view: Json = answer.json()
        return view

    card: Json = {"amount": 100_000, "currency": "EUR", "card": VISA}
    captured = [made("/v1/payments", card)["id"] for _ in range(2)]
    authorized = [made("/v1/payments", card | {"capture_method": "manual"})["id"] for _ in range(8)]
    endpoints = [made("/v1/webhook_endpoints", {"url": "http://127.0.0.1:9/"})["id"] for _ in range(4)]
    ids = {
        "payment_id": captured + authorized[4:],
        "token_id": [made("/v1/tokens", {"card": VISA})["id"] for _ in range(3)],
        "refund_id": [made("/v1/refunds", {"payment": captured[0], "amount": 100})["id"]],
        "endpoint_id": endpoints[1:],  # the first one stays as it is, so that its deliveries can be replayed
        "account_id": [playground.account["id"]],
        "merchant_id": [playground.id],
    }
    handed_in = world.call_text(f"/v1/settlements?provider_account={shop.account['id']}", SETTLEMENT, shop.secret_key)
    ids["settlement_id"] = [handed_in["id"]]
    events = world.call("GET", "/v1/events?limit=5", key=shop.secret_key).json()["data"]
    ids["event_id"] = [event["id"] for event in events]
    asyncio.run(_plan_deliveries(api_database, events))
    deliveries = world.call("GET", "/v1/webhook_deliveries", key=shop.secret_key).json()["data"]
    ids["delivery_id"] = [delivery["id"] for delivery in deliveries if delivery["endpoint"] == endpoints[0]]
    ids |= asyncio.run(_things_for_operators(api_database, captured + authorized))
    ids["dispute_id"] = _disputes(world, shop, [made("/v1/payments", card)["id"] for _ in range(8)])
    assert all(ids[name] for name in IDS), ids
    return Seeded(shop, playground, ids, authorized[:2], authorized[2:4])


def _disputes(world: World, shop: Shop, payments: list[str]) -> list[str]:
    """A dispute of each payment, as the PSP tells of it."""
    account = f"/v1/dummypay/accounts/{shop.psp['account']}"
    where = {"url": world.url + shop.account["webhook_path"], "events": ["dispute.needs_response"]}
    world.control_call("PUT", f"{account}/webhook", where)
    for payment in payments:
        [attempt] = world.call("GET", f"/v1/payments/{payment}/attempts", key=shop.secret_key).json()["data"]
        action = {"object": attempt["provider_reference"], "action": "dispute_needs_response"}
        world.control_call("POST", f"{account}/settle", action)
    deadline = time.monotonic() + 20
    while len(found := world.call("GET", "/v1/disputes", key=shop.secret_key).json()["data"]) < len(payments):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return [dispute["id"] for dispute in found]


async def _plan_deliveries(database: Database, events: list[Json]) -> None:
    """As the dispatcher does it."""
    connection = await asyncpg.connect(database.system)
    try:
        p = {"events": events, "at": "2026-03-01T12:00:00Z"}
        await connection.fetchval("select sys.delivery_plan_v1($1::jsonb)", json.dumps(p))
    finally:
        await connection.close()


async def _things_for_operators(database: Database, payments: list[str]) -> dict[str, list[str]]:
    """Reviews and alerts, as no request brings them about."""
    connection = await asyncpg.connect(database.superuser)
    try:
        reviews = await connection.fetch(
            """
            insert into core.review (id, merchant, payment_id, operation_id, reason, opened_at)
            select core.id_v1('rev', clock_timestamp()), o.merchant, o.payment_id, o.id, 'provider_contradicts',
                   clock_timestamp()
            from core.operation o where o.payment_id = any ($1) and o.kind = 'authorize' returning operation_id
            """,
            payments,
        )
        for number in range(5):
            raising = "select core.alert_raise_v1('outbox_late', $1, null, '{}', clock_timestamp())"
            await connection.execute(raising, f"fuzz {number}")
        alerts = await connection.fetch("select id from core.alert where subject like 'fuzz %'")
    finally:
        await connection.close()
    return {"operation_id": [row["operation_id"] for row in reviews], "alert_id": [row["id"] for row in alerts]}


def use_real_ids(case: Any, seeded: Seeded, choice: random.Random) -> None:
    """Put what exists in the place of what was made up."""
    for name, known in seeded.ids.items():
        if name in (case.path_parameters or {}):
            case.path_parameters[name] = choice.choice(known)
    if case.operation.path.endswith("/fees"):
        case.path_parameters["account_id"] = seeded.shop.account["id"]
    if case.operation.path.endswith("/reauthorize"):
        case.path_parameters["payment_id"] = choice.choice(seeded.held)
        if isinstance(case.body, dict):
            case.body.pop("amount", None)
    if case.operation.path.endswith("/cancel"):
        case.path_parameters["payment_id"] = choice.choice(seeded.cancelable)
    if case.operation.path == "/v1/settlements" and case.operation.method == "post":
        case.body = SETTLEMENT
        case.query = {"provider_account": seeded.shop.account["id"]}
    if case.operation.path.startswith("/v1/reports/"):
        case.query = {"from": "2026-11-01", "to": "2026-11-30"}
    if case.operation.path.endswith("/resolve") and isinstance(case.body, dict):
        case.body["action"] = "acknowledge"
    if isinstance(case.body, dict):
        if "token" in case.body and case.body["token"] is not None:
            case.body["token"] = choice.choice(seeded.ids["token_id"])
        if "payment" in case.body:
            case.body |= {"payment": choice.choice(seeded.ids["payment_id"][:2]), "amount": 1}
        if isinstance(case.body.get("card"), dict):
            case.body["card"] = dict(VISA)
        if "provider" in case.body and "credentials" in case.body:
            case.body |= {"provider": "dummypay", "base_url": "http://127.0.0.1:9", "credentials": {"api_key": "k"}}
        if "providers" in case.body:
            case.body = {"providers": ["dummypay"], "max_fallbacks": 0}
        if isinstance(case.body.get("url"), str):
            case.body["url"] = "http://127.0.0.1:9/hook"


def notify(world: World, seeded: Seeded) -> int:
    """A notification with a good signature: nothing that a generator could make."""
    body = b'{"id": "evt_fuzz", "type": "charge.succeeded", "data": {"id": "ch_1", "reference": "x"}}'
    stamp = int(time.time())
    secret = str(seeded.playground.psp["webhook_secret"]).encode()
    mac = hmac.new(secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    path = seeded.playground.account["webhook_path"]
    headers = {"Dummypay-Signature": f"t={stamp},v1={mac}", "Content-Type": "application/json"}
    return requests.post(world.url + path, data=body, headers=headers, timeout=10).status_code


def call_once(seeded: Seeded, headers: Json, case: Any, real: int | None, negative: bool = False) -> None:
    """One generated request, its ids replaced by existing ones if `real` is given, and the checks on its answer."""
    if real is not None:
        use_real_ids(case, seeded, random.Random(real))
    seeded.check(case, case.call(headers=headers), negative=negative)


@pytest.mark.slow
@pytest.mark.timeout(480)
def test_every_operation_with_good_and_bad_input(world: World, schema: Any, seeded: Seeded) -> None:
    for result in schema.get_all_operations():
        operation = result.ok()
        operation_id = operation.definition.raw["operationId"]
        headers = {"Authorization": f"Bearer {seeded.key_for(operation_id)}"}

        @settings(BOUNDS, max_examples=12)
        @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE), real=st.none() | st.integers(0, 99))
        def good(case: Any, real: int | None, headers: Json) -> None:
            call_once(seeded, headers, case, real)

        @settings(BOUNDS, max_examples=8)
        @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
        def bad(case: Any, headers: Json) -> None:
            call_once(seeded, headers, case, None, negative=True)

        good(headers=headers)
        if operation.body or operation.query or operation.path_parameters or operation.headers:
            bad(headers=headers)
    seeded.statuses["receive"][notify(world, seeded)] += 1
    missed = {name for name, seen in seeded.statuses.items() if not any(200 <= status < 300 for status in seen)}
    assert missed == set(), {name: dict(seeded.statuses[name]) for name in missed}
    assert len(seeded.statuses) == len(list(schema.get_all_operations()))


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_sequences_along_the_links(schema: Any, seeded: Seeded) -> None:
    class Machine(schema.as_state_machine()):  # type: ignore[misc]  # a class made at run time
        def get_call_kwargs(self, case: Any) -> Json:
            operation_id = case.operation.definition.raw["operationId"]
            return {"headers": {"Authorization": f"Bearer {seeded.key_for(operation_id)}"}}

        def before_call(self, case: Any) -> None:
            if isinstance(case.body, dict) and isinstance(case.body.get("card"), dict):
                case.body["card"] = dict(VISA)

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            seeded.check(case, response)

    run_state_machine_as_test(Machine, settings=settings(BOUNDS, max_examples=40, stateful_step_count=8))
