"""The operator's part of the API: who may use it, reviews resolved over HTTP, the audit of it, timeline, wake."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from compose.cli import ops
from gateway.adapters import postgres
from gateway.domain.ids import new_id
from tests.integration.api_world import ADMIN_KEY, VISA, Json, Shop, World
from tests.parts import Database, Parts

ADA = {"Payera-Operator": "ada"}


def operator(world: World, method: str, path: str, body: Any = None, **headers: str) -> Any:
    return world.call(method, f"/v1/operator{path}", body, key=ADMIN_KEY, headers=ADA | headers)


def pay(world: World, shop: Shop, **fields: Any) -> Json:
    body = {"amount": 4200, "currency": "EUR", "card": VISA} | fields
    answer = world.call("POST", "/v1/payments", body, key=shop.secret_key, headers={"Idempotency-Key": new_id("k")})
    assert answer.status_code in (201, 202), answer.text
    view: Json = answer.json()
    return view


def to_review(database: Database, merchant: str, payment_id: str) -> str:
    """Give up on the payment's attempt, as the workflow does after its window; the attempt's id."""

    async def review() -> str:
        async with postgres.Database(database.app, database.system) as store:
            plan = await store.call("payment_plan_v1", merchant, {"payment_id": payment_id})
            operation = plan["operations"][0]
            await store.call(
                "operation_review_v1",
                merchant,
                {
                    "operation_id": operation["id"],
                    "epoch": operation["epoch"],
                    "reason": "no_proof",
                    "at": "2026-11-22T12:00:00Z",
                    "event_ids": [new_id("evt")],
                },
            )
            return str(operation["id"])

    return asyncio.run(review())


@pytest.fixture
def unknown(world: World, shop: Shop) -> Json:
    """A payment of which the PSP's answer was lost, while nobody looks (no worker runs here)."""
    world.fault(shop, {"operation": "authorize"}, "commit_then_lose_response", times=1)
    payment = pay(world, shop)
    assert payment["status"] == "processing"
    return payment


@pytest.mark.parametrize(
    "path",
    ["/reviews", "/audit", "/audit/proof", "/alerts", "/stuck", "/open_work", "/payments/pay_x/timeline"],
)
def test_only_the_operators_key_reaches_it_and_only_with_a_name(world: World, shop: Shop, path: str) -> None:
    for key in (shop.secret_key, shop.publishable_key):
        refused = world.call("GET", f"/v1/operator{path}", key=key, headers=ADA)
        assert (refused.status_code, refused.json()["code"]) == (403, "key_not_allowed")
    nameless = world.call("GET", f"/v1/operator{path}", key=ADMIN_KEY)
    assert nameless.status_code == 422
    assert nameless.json()["errors"][0]["where"] == "header.Payera-Operator"
    assert world.call("GET", "/v1/reviews", key=ADMIN_KEY, headers=ADA).status_code == 403


def test_an_operator_resolves_a_review(world: World, shop: Shop, api_database: Database, unknown: Json) -> None:
    """Goal: the whole way over HTTP. The PSP has charged; the operator saw it there and says so."""
    operation_id = to_review(api_database, shop.id, unknown["id"])
    [mine] = world.call("GET", f"/v1/reviews?status=open&payment={unknown['id']}", key=shop.secret_key).json()["data"]
    [seen] = operator(world, "GET", f"/reviews?status=open&payment={unknown['id']}").json()["data"]
    assert mine == seen
    assert (seen["operation"], seen["merchant"], seen["reason"]) == (operation_id, shop.id, "no_proof")
    [charge] = [entry for entry in world.journal(shop) if entry["payment"] == unknown["id"]]
    body = {
        "action": "approved",
        "provider_reference": charge["object"],
        "evidence": "seen in the dashboard",
        "confirmed_by": "bob",
    }
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = operator(
        world, "POST", f"/reviews/{operation_id}/resolve", body, traceparent=f"00-{trace}-b7ad6b7169203331-01"
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["payment"]["status"] == "captured"
    assert answer.json()["review"]["resolved_by"] == "ada"
    again = operator(world, "POST", f"/reviews/{operation_id}/resolve", body)
    assert (again.status_code, again.json()["code"]) == (409, "review_not_open")
    read = world.call("GET", f"/v1/payments/{unknown['id']}", key=shop.secret_key).json()
    assert (read["status"], read["amount_captured"]) == ("captured", 4200)
    ledger = world.call("GET", f"/v1/payments/{unknown['id']}/ledger", key=shop.secret_key).json()["data"]
    assert [line["amount"] for line in ledger[0]["lines"]] == [4200, -4200]
    refused, done = operator(world, "GET", f"/audit?payment={unknown['id']}").json()["data"]
    assert (done["action"], done["result"], done["operator"], done["confirmed_by"], done["why"], done["trace"]) == (
        "review.approved",
        "done",
        "ada",
        "bob",
        "seen in the dashboard",
        trace,
    )
    assert (refused["action"], refused["result"], refused["subject"]) == (
        "review.approved",
        "review_not_open",
        operation_id,
    )
    assert done["origin"] == "127.0.0.1"
    assert done["before"]["payment"]["status"] == "needs_review"
    assert done["after"]["payment"]["status"] == "captured"
    proof = operator(world, "GET", "/audit/proof").json()
    assert (proof["broken"], proof["truncated"]) == ([], False)


def test_what_may_be_said(world: World, shop: Shop, api_database: Database, unknown: Json) -> None:
    operation_id = to_review(api_database, shop.id, unknown["id"])
    path = f"/reviews/{operation_id}/resolve"
    for body, code in (
        ({"action": "approved", "evidence": "x"}, "provider_reference_missing"),
        ({"action": "acknowledge", "evidence": "x"}, "action_not_possible"),
        ({"action": "absent", "evidence": "x", "amount": 1}, "amount_not_possible"),
        ({"action": "absent", "evidence": "x", "confirmed_by": "ada"}, "invalid_request"),
        ({"action": "absent"}, "invalid_request"),
        ({"action": "forget", "evidence": "x"}, "invalid_request"),
    ):
        refused = operator(world, "POST", path, body)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    stranger = operator(world, "POST", f"/reviews/{new_id('att')}/resolve", {"action": "absent", "evidence": "x"})
    assert (stranger.status_code, stranger.json()["code"]) == (404, "operation_not_found")
    assert operator(world, "POST", "/reviews/pay_1/resolve", {"action": "absent", "evidence": "x"}).status_code == 404
    looked = operator(world, "POST", path, {"action": "look_again", "evidence": "the PSP is back"})
    assert (looked.json()["payment"]["status"], looked.json()["workflow"]) == ("processing", True)


def test_the_timeline_of_a_payment(world: World, shop: Shop, unknown: Json) -> None:
    mine = world.call("GET", f"/v1/payments/{unknown['id']}/timeline", key=shop.secret_key)
    assert mine.status_code == 200
    story = [(entry["source"], entry["what"]) for entry in mine.json()["data"]]
    assert story[:3] == [
        ("api", "POST /v1/payments"),
        ("gateway", "authorize.begun"),
        ("event", "payment.created"),
    ]
    assert mine.json()["data"][2]["trace"] is not None
    theirs = operator(world, "GET", f"/payments/{unknown['id']}/timeline")
    assert theirs.json() == mine.json()
    assert str(VISA["number"]) not in mine.text
    assert world.call("GET", f"/v1/payments/{new_id('pay')}/timeline", key=shop.secret_key).status_code == 404
    assert operator(world, "GET", f"/payments/{new_id('pay')}/timeline").status_code == 404


def test_waking_a_payment(world: World, unknown: Json) -> None:
    woken = operator(world, "POST", f"/payments/{unknown['id']}/wake", {"why": "it stands still"})
    assert woken.status_code == 202, woken.text
    assert woken.json() == {
        "id": unknown["id"],
        "object": "payment",
        "merchant": woken.json()["merchant"],
        "status": "processing",
    }
    assert operator(world, "POST", f"/payments/{new_id('pay')}/wake", {"why": "x"}).status_code == 404
    found = operator(world, "GET", "/open_work?limit=100").json()
    assert unknown["id"] in [row["id"] for row in found["data"]]
    stuck = operator(world, "GET", "/stuck?older_than_s=0").json()
    # Of each kind the oldest are listed. No relay runs here, so other tests' events may come before this payment's.
    kinds = {row["kind"] for row in stuck["data"] if row["payment"] == unknown["id"]}
    assert {"not_looked_at", "order_waiting"} <= kinds
    assert stuck["counts"]["order_waiting"] >= 1
    assert stuck["counts"]["event_unsent"] >= 1


def test_alerts(world: World, shop: Shop, api_database: Database) -> None:
    other = world.open_shop()
    world.fault(other, {"operation": "authorize"}, "reset_before_commit")
    for _ in range(5):
        pay(world, other)
    found = operator(world, "GET", "/alerts?status=open&kind=circuit_open").json()["data"]
    [alert] = [alert for alert in found if alert["merchant"] == other.id]
    assert (alert["subject"], alert["times"]) == (other.account["id"], 1)
    closed = operator(world, "POST", f"/alerts/{alert['id']}/close", {"why": "the PSP was told"})
    assert (closed.json()["status"], closed.json()["closed_by"]) == ("closed", "ada")
    again = operator(world, "POST", f"/alerts/{alert['id']}/close", {"why": "again"})
    assert (again.status_code, again.json()["code"]) == (409, "alert_not_open")

    async def entries() -> list[str]:
        connection = await asyncpg.connect(api_database.superuser)
        rows = await connection.fetch("select action from core.audit where subject = $1", alert["id"])
        await connection.close()
        return [row["action"] for row in rows]

    assert asyncio.run(entries()) == ["alert.close"]


@pytest.fixture
def shell(world: World, parts: Parts, tmp_path: Path) -> Callable[..., Result]:
    """`payera ops` for this api."""
    env = tmp_path / "env.json"
    env.write_text(json.dumps({"gateway": world.url, "admin_key": ADMIN_KEY, "temporal": parts.temporal}))

    def run(*words: str) -> Result:
        return CliRunner().invoke(ops.app, [*words, "--env-file", str(env), "--operator", "eve"])

    return run


def test_the_operators_shell(shell: Callable[..., Result], shop: Shop, api_database: Database, unknown: Json) -> None:
    found = shell("stuck", "--older-than", "0")
    assert found.exit_code == ops.STUCK, found.output
    assert any("not_looked_at" in line and unknown["id"] in line for line in found.output.splitlines())
    operation_id = to_review(api_database, shop.id, unknown["id"])
    assert operation_id in shell("reviews", "--payment", unknown["id"]).output
    done = shell("resolve", operation_id, "absent", "--evidence", "T-1", "--confirmed-by", "bob")
    assert done.output == f"{operation_id} is absent, {unknown['id']} is failed\n"
    assert operation_id not in shell("reviews", "--payment", unknown["id"]).output
    assert "absent" in shell("reviews", "--all", "--payment", unknown["id"]).output
    refused = shell("resolve", operation_id, "absent", "--evidence", "T-1")
    assert refused.exit_code == 2
    assert shell("wake", unknown["id"], "--why", "T-1").output == f"ordered; {unknown['id']} is failed\n"
    assert shell("audit", "--proof").exit_code == 0
    entries = shell("audit", "--payment", unknown["id"]).output
    assert [line.split()[2:5] for line in entries.splitlines()[1:]][-1] == ["eve", "bob", "review.absent"]
    assert "review.absent" in shell("timeline", unknown["id"]).output
    assert shell("alerts").exit_code == 0
