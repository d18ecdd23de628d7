"""Dummypay's dialect over real sockets: money, states, errors, magic values, idempotency, notifications."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from simulators.dummypay import SIMULATOR
from simulators.kit.rules import load_rules
from simulators.kit.testing import running
from tests.simulators.dummypay.client import VISA, Shop, receiver, shop_at

pytestmark = pytest.mark.asyncio


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with running("dummypay") as sims, shop_at(await sims.account("dummypay", seed=1)) as client:
        yield client


async def test_a_charge_is_shown_as_the_readme_says(shop: Shop) -> None:
    charge = (await shop.charge(description="Zwei Bücher")).body
    assert charge == {
        "id": charge["id"],
        "object": "charge",
        "status": "captured",
        "amount": 4200,
        "amount_captured": 4200,
        "amount_refunded": 0,
        "currency": "EUR",
        "code": None,
        "message": None,
        "network_advice": None,
        "network_transaction_id": charge["network_transaction_id"],
        "reference": "att_1",
        "payment": "pay_1",
        "description": "Zwei Bücher",
        "initiator": "shopper",
        "expired": False,
        "created": charge["created"],
        "card": {"brand": "visa", "bin": "424242", "last4": "4242", "exp_month": 12, "exp_year": 2030},
    }
    assert charge["id"].startswith("ch_")
    assert len(charge["network_transaction_id"]) == 15
    assert (await shop.call("GET", f"/v1/charges/{charge['id']}")).body == charge
    assert await shop.find("att_1") == [charge]
    [entry] = await shop.account.journal()
    assert {key: entry[key] for key in ("kind", "amount", "currency", "object", "parent", "reference", "payment")} == {
        "kind": "charge",
        "amount": 4200,
        "currency": "EUR",
        "object": charge["id"],
        "parent": None,
        "reference": "att_1",
        "payment": "pay_1",
    }


async def test_a_fault_adds_the_schemes_advice_to_a_decline(shop: Shop) -> None:
    await shop.account.fault({"operation": "authorize"}, {"action": "decline", "code": "05", "advice": "03"}, times=1)
    declined = (await shop.charge()).body
    assert (declined["status"], declined["code"], declined["network_advice"]) == ("declined", "05", "03")
    assert (await shop.charge(reference="att_2")).body["network_advice"] is None


async def test_captures_in_parts_release_the_rest(shop: Shop) -> None:
    charge = (await shop.charge(10_000, capture=False)).body
    assert (charge["status"], charge["amount_captured"]) == ("authorized", 0)
    first = (await shop.capture(charge["id"], amount=3000, final=False, reference="cap_a")).body
    assert (first["object"], first["status"], first["amount"], first["charge"]) == (
        "capture",
        "succeeded",
        3000,
        charge["id"],
    )
    too_much = await shop.capture(charge["id"], amount=7001)
    assert (too_much.status, too_much.body["error"]["param"]) == (400, "amount")
    await shop.capture(charge["id"], amount=5000, reference="cap_b")
    [after] = await shop.find("att_1")
    assert (after["status"], after["amount_captured"]) == ("captured", 8000)
    assert (await shop.capture(charge["id"])).body["error"]["type"] == "wrong_state"
    assert (await shop.void(charge["id"])).body["error"]["type"] == "wrong_state"
    assert await shop.moved() == [("authorize", 10_000), ("capture", 3000), ("capture", 5000)]
    assert [e["parent"] for e in await shop.account.journal()] == [None, charge["id"], charge["id"]]
    found = (await shop.call("GET", "/v1/captures?reference=cap_a")).body["data"]
    assert found == [first]
    assert (await shop.call("GET", f"/v1/captures/{first['id']}")).body == first


async def test_refunds_up_to_what_was_captured(shop: Shop) -> None:
    charge = (await shop.charge()).body
    partial = (await shop.refund(charge["id"], amount=200, reference="ref_a", reason="too late")).body
    assert (partial["status"], partial["amount"], partial["reason"]) == ("succeeded", 200, "too late")
    assert (await shop.refund(charge["id"], amount=4001)).status == 400
    assert (await shop.refund(charge["id"])).body["amount"] == 4000, "without an amount: all that is left"
    assert (await shop.refund(charge["id"])).status == 400
    assert (await shop.find("att_1"))[0]["amount_refunded"] == 4200
    assert await shop.moved() == [("charge", 4200), ("refund", 200), ("refund", 4000)]


async def test_a_void_gives_the_authorization_back(shop: Shop) -> None:
    charge = (await shop.charge(capture=False)).body
    assert (await shop.refund(charge["id"])).body["error"]["type"] == "wrong_state"
    void = (await shop.void(charge["id"], reference="void_a")).body
    assert (void["object"], void["status"], void["amount"]) == ("void", "succeeded", 4200)
    assert (await shop.find("att_1"))[0]["status"] == "voided"
    assert (await shop.void(charge["id"])).status == 409
    assert (await shop.capture(charge["id"])).status == 409
    assert await shop.moved() == [("authorize", 4200), ("void", 4200)]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": "4200"}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": 42.0}, "amount"),
        ({"currency": "eur"}, "currency"),
        ({"currency": None}, "currency"),
        ({"card": None}, "card"),
        ({"card": {**VISA, "number": "4242424242424241"}}, "card.number"),
        ({"card": {**VISA, "exp_month": 13}}, "card.exp_month"),
        ({"card": {**VISA, "exp_year": 30}}, "card.exp_year"),
        ({"card": {**VISA, "cvc": "12"}}, "card.cvc"),
        ({"card": {**VISA, "name": 7}}, "card.name"),
        ({"reference": "x" * 256}, "reference"),
        ({"capture": "yes"}, "capture"),
    ],
)
async def test_what_is_refused_names_the_field_and_leaves_no_memory(
    shop: Shop, change: dict[str, Any], param: str
) -> None:
    said = await shop.charge(key="k", **change)
    assert (said.status, said.body["error"]["type"], said.body["error"]["param"]) == (400, "invalid_request", param)
    assert (await shop.charge(key="k")).status == 200, "a refused request does not use its key up"
    assert await shop.moved() == [("charge", 4200)]


async def test_errors_have_one_envelope(shop: Shop) -> None:
    for method, path, status, kind in (
        ("GET", "/v1/charges/ch_none", 404, "not_found"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("POST", "/v1/charges/ch_none/capture", 404, "not_found"),
        ("DELETE", "/v1/charges", 405, "invalid_request"),
        ("GET", "/v1/charges", 400, "invalid_request"),
    ):
        said = await shop.call(method, path)
        assert (said.status, said.body["error"]["type"]) == (status, kind), path
    for body in ([1], "text"):
        assert (await shop.call("POST", "/v1/charges", body)).body["error"]["message"].startswith("The body is not")


async def test_every_magic_value_gives_its_code(shop: Shop) -> None:
    """The file is the specification: each trigger that declines is played by what it asks for."""
    played = 0
    world = load_rules(SIMULATOR.folder / "rules.yaml", b"k")
    for number, trigger in enumerate(world.triggers):
        [action] = trigger.then
        when = dict(trigger.when.shown)
        if action.word != "decline" or "pan" in when or when.get("operation") == "refund":
            continue
        asked: dict[str, Any] = {key: when[key] for key in ("amount", "email") if key in when}
        if "name" in when:
            asked["card"] = {**VISA, "name": when["name"]}
        asked["headers"] = {key.replace("-", "_"): value for key, value in when.get("header", {}).items()}
        said = await shop.charge(key=f"k{number}", **asked)
        assert (said.status, said.body["status"], said.body["code"]) == (200, "declined", action["code"]), when
        assert said.body["message"] == world.decline(action["code"]).message
        played += 1
    assert played == len(await shop.account.journal()) >= 15


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("4000000000000002", "05"),
        ("4000000000009995", "51"),
        ("4000000000009987", "41"),
        ("4000000000009979", "43"),
        ("4000000000000069", "54"),
        ("4100000000000019", "59"),
        ("4000000000000127", "N7"),
        ("4000000000000119", "96"),
        ("4000002760003184", "1A"),
    ],
)
async def test_magic_cards(shop: Shop, number: str, code: str) -> None:
    said = await shop.charge(card={**VISA, "number": number})
    assert (said.body["status"], said.body["code"]) == ("declined", code)
    assert [(e["kind"], e["code"]) for e in await shop.account.journal()] == [("decline", code)]


async def test_a_refund_can_be_declined(shop: Shop) -> None:
    charge = (await shop.charge(200_000)).body
    refund = (await shop.refund(charge["id"], amount=100_051)).body
    assert (refund["status"], refund["code"]) == ("declined", "51")
    assert (await shop.find("att_1"))[0]["amount_refunded"] == 0
    assert await shop.moved() == [("charge", 200_000), ("decline", 100_051)]


async def test_repeated_keys(shop: Shop) -> None:
    first = await shop.charge(key="k")
    again = await shop.charge(key="k")
    assert (again.status, again.raw, again.headers["idempotent-replayed"]) == (200, first.raw, "true")
    declined = await shop.charge(100_051, key="d")
    assert (await shop.charge(100_051, key="d")).raw == declined.raw
    other = await shop.charge(4300, key="k")
    assert (other.status, other.body["error"]["type"]) == (409, "key_reused")
    assert await shop.moved() == [("charge", 4200), ("decline", 100_051)]
    await shop.account.advance(86_401)
    assert (await shop.charge(key="k")).body["id"] != first.body["id"], "keys are forgotten after a day"


async def test_after_a_5xx_the_key_gives_the_true_answer(shop: Shop) -> None:
    await shop.account.fault({}, {"action": "server_error", "commit": True}, times=1)
    assert (await shop.charge(key="k")).status == 500
    assert (await shop.charge(key="k")).body["status"] == "captured"
    assert await shop.moved() == [("charge", 4200)]


async def test_pending_operations_hold_their_share_and_are_settled_by_hand(shop: Shop) -> None:
    charge = (await shop.charge(capture=False)).body
    await shop.account.fault({"operation": "capture"}, "pending", times=1)
    capture = (await shop.capture(charge["id"], amount=4000, final=False)).body
    assert capture["status"] == "pending"
    assert (await shop.capture(charge["id"], amount=201)).status == 400
    assert (await shop.void(charge["id"])).status == 409
    await shop.account.control("POST", "/settle", {"object": capture["id"], "action": "decline"})
    settled = (await shop.call("GET", f"/v1/captures/{capture['id']}")).body
    assert (settled["status"], settled["code"]) == ("declined", "05")
    assert (await shop.void(charge["id"])).body["status"] == "succeeded"
    assert await shop.moved() == [("authorize", 4200), ("decline", 4000), ("void", 4200)]


async def test_events_of_a_life(shop: Shop) -> None:
    async with receiver() as hook:
        await shop.account.control("PUT", "/webhook", {"url": hook.url})
        charge = (await shop.charge(capture=False)).body
        capture = (await shop.capture(charge["id"])).body
        refund = (await shop.refund(charge["id"])).body
        await shop.charge(100_005)
        events = await hook.wait(5)
        assert hook.types() == [
            "charge.authorized",
            "capture.succeeded",
            "charge.captured",
            "refund.succeeded",
            "charge.declined",
        ]
        objects = [event.body["data"]["object"] for event in events]
        assert (objects[0], objects[1], objects[3]) == (charge, capture, refund)
        assert all(event.signed_by(shop.account.webhook_secret)[0] for event in events)
