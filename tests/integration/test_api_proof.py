"""Goal: what a payment brings along reaches the PSP as it came, or is refused with a remedy; no secret of it shows."""

import base64
from typing import Any

import pytest

from tests.integration.api_world import VISA, Shop, World
from tests.integration.test_api import problem

CAVV = base64.b64encode(b"payera-test-cavv-001").decode()
PROOF: dict[str, Any] = {
    "version": "2.2.0",
    "eci": "05",
    "cavv": CAVV,
    "ds_transaction_id": "4f2a9c1e-7b30-4d5a-8c61-90d2e3b7a514",
}
NETWORK_ID = "583194720461836"
WITHOUT_CVC = {name: value for name, value in VISA.items() if name != "cvc"}


def pay(world: World, shop: Shop, **more: Any) -> Any:
    body = {"amount": 4200, "currency": "EUR", "card": VISA} | more
    return world.call("POST", "/v1/payments", body, key=shop.secret_key)


def brought(world: World, shop: Shop) -> list[Any]:
    rows = world.control_call("GET", f"/v1/dummypay/accounts/{shop.psp['account']}/requests")["requests"]
    return [row.get("brought") for row in rows if row["operation"] == "authorize"]


def test_the_proof_reaches_the_psp_and_its_cryptogram_shows_nowhere(world: World, shop: Shop) -> None:
    before = len(brought(world, shop))
    answer = pay(world, shop, three_ds=PROOF)
    assert (answer.status_code, answer.json()["status"]) == (201, "captured")
    authentication = {name: PROOF[name] for name in ("version", "eci", "ds_transaction_id")}
    [row] = brought(world, shop)[before:]
    assert row == {"authentication": authentication | {"cryptogram": "…" + CAVV[-5:]}}
    path = f"/v1/payments/{answer.json()['id']}"
    texts = [answer.text, world.log.read_text("utf-8")]
    texts += [world.call("GET", f"{path}{tail}", key=shop.secret_key).text for tail in ("", "/attempts", "/events")]
    for text in texts:
        assert CAVV not in text
        assert "cavv" not in text
    assert not (world.keys / "cvv" / answer.json()["id"]).exists()


def test_a_payment_of_the_merchant_brings_its_network_id(world: World, shop: Shop) -> None:
    before = len(brought(world, shop))
    answer = pay(world, shop, card=WITHOUT_CVC, network_transaction_id=NETWORK_ID)
    assert (answer.status_code, answer.json()["status"]) == (201, "captured")
    assert brought(world, shop)[before:] == [{"network_transaction_id": NETWORK_ID}]
    attempts = world.call("GET", f"/v1/payments/{answer.json()['id']}/attempts", key=shop.secret_key).json()["data"]
    # The PSP's own, for the next payment anywhere; not the one that was sent.
    assert len(attempts[0]["network_transaction_id"]) == 15
    assert attempts[0]["network_transaction_id"] != NETWORK_ID


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cavv", CAVV[:-4]),
        ("cavv", "not base64 at all, but 28 ch="),
        ("cavv", 7),
        ("ds_transaction_id", "4f2a9c1e"),
        ("eci", "07"),
        ("eci", 5),
        ("version", "1.0.2"),
        ("xid", "short"),
        ("surprise", "x"),
    ],
)
def test_a_wrong_proof_is_refused_by_name_and_never_repeated(world: World, shop: Shop, field: str, value: Any) -> None:
    answer = pay(world, shop, three_ds=PROOF | {field: value})
    found = problem(answer, 422, "invalid_request")
    assert [error["where"] for error in found["errors"]] == [f"three_ds.{field}"]
    assert CAVV not in answer.text
    assert not isinstance(value, str) or len(value) < 8 or value not in answer.text


@pytest.mark.parametrize("missing", ["version", "eci", "cavv", "ds_transaction_id"])
def test_half_a_proof_is_none(world: World, shop: Shop, missing: str) -> None:
    half = {name: value for name, value in PROOF.items() if name != missing}
    found = problem(pay(world, shop, three_ds=half), 422, "invalid_request")
    assert [error["where"] for error in found["errors"]] == [f"three_ds.{missing}"]


def test_the_indicator_must_be_the_brands(world: World, shop: Shop) -> None:
    found = problem(pay(world, shop, three_ds=PROOF | {"eci": "02"}), 422, "eci_not_of_brand")
    assert found["errors"][0]["where"] == "three_ds.eci"
    token = world.call("POST", "/v1/tokens", {"card": VISA}, key=shop.secret_key).json()["id"]
    body = {"amount": 4200, "currency": "EUR", "token": token, "three_ds": PROOF | {"eci": "01"}}
    problem(world.call("POST", "/v1/payments", body, key=shop.secret_key), 422, "eci_not_of_brand")


def test_nobody_is_there_to_type_a_code(world: World, shop: Shop) -> None:
    found = problem(pay(world, shop, network_transaction_id=NETWORK_ID), 422, "invalid_request")
    assert "cvc" in found["errors"][0]["what"]
    found = problem(pay(world, shop, card=WITHOUT_CVC, network_transaction_id="too short"), 422, "invalid_request")
    assert found["errors"][0]["where"] == "network_transaction_id"
