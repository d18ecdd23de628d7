"""The API from outside: a real api process, PostgreSQL, and the dummypay simulator."""

import asyncio
from collections.abc import Iterator

import aiohttp
import pytest

from tests.integration.api_world import ADMIN_KEY, VISA, Shop, World, running_world
from tests.parts import Database, Parts


@pytest.fixture(scope="module")
def world(parts: Parts, database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(parts, database, tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture(scope="module")
def shop(world: World) -> Shop:
    return world.open_shop()


def pay(world: World, shop: Shop, **more: object) -> dict[str, object]:
    body = {"amount": 4200, "currency": "EUR", "card": VISA} | more
    answer = world.call("POST", "/v1/payments", body, key=shop.secret_key)
    assert answer.status_code == 201, answer.text
    payment: dict[str, object] = answer.json()
    return payment


def test_a_card_payment_is_captured(world: World, shop: Shop) -> None:
    payment = pay(world, shop, reference="order 1", metadata={"basket": "7"})
    assert payment["status"] == "captured"
    assert (payment["amount"], payment["amount_authorized"], payment["amount_captured"]) == (4200, 4200, 4200)
    assert payment["card"] == {"brand": "visa", "bin": "424242", "last4": "4242", "exp_month": 12, "exp_year": 2030}
    assert (payment["reference"], payment["metadata"], payment["provider"]) == ("order 1", {"basket": "7"}, "dummypay")
    moved = [entry for entry in world.journal(shop) if entry["payment"] == payment["id"]]
    assert [(entry["kind"], entry["amount"], entry["currency"]) for entry in moved] == [("charge", 4200, "EUR")]
