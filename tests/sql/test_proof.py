"""What a payment brings along from elsewhere: every attempt gets it; the cryptogram does not outlive its payment."""

from typing import Any

import asyncpg
import pytest

from gateway.domain.ids import new_id
from tests.parts import Database
from tests.sql.world import World, approved, at, card, declined

NETWORK_ID = "583194720461836"
PROOF: dict[str, Any] = {"version": "2.2.0", "eci": "05", "ds_transaction_id": "4f2a9c1e-7b30-4d5a-8c61-90d2e3b7a514"}
SEALED = PROOF | {"cavv_ciphertext": "Y2F2dg==", "cavv_expires_at": at(900)}


async def cryptograms(database: Database, payment_id: str) -> list[str]:
    connection = await asyncpg.connect(database.superuser)
    try:
        rows = await connection.fetch("select ciphertext from vault.authentication where payment_id = $1", payment_id)
    finally:
        await connection.close()
    return [str(row["ciphertext"]) for row in rows]


async def test_every_attempt_gets_the_proof_and_no_view_shows_it(world: World, database: Database) -> None:
    begun = await world.begin(three_ds=SEALED)
    payment = begun["payment"]["id"]
    expected = PROOF | {"cavv_ciphertext": "Y2F2dg=="}
    assert begun["dispatch"]["three_ds"] == expected
    assert begun["dispatch"]["merchant_initiated"] is False
    assert await cryptograms(database, payment) == ["Y2F2dg=="]
    await world.apply(begun["dispatch"], declined(), cascade=True)
    second = await world.attempt(payment)
    assert second["dispatch"]["three_ds"] == expected
    await world.apply(second["dispatch"], approved())
    assert await cryptograms(database, payment) == []
    shown = [
        await world.payment(payment),
        await world.call("payment_attempts_v1", payment_id=payment),
        await world.call("event_list_v1", payment_id=payment, limit=100),
        await world.plan(payment),
    ]
    for text in map(str, shown):
        assert "Y2F2dg" not in text
        assert PROOF["ds_transaction_id"] not in text


@pytest.mark.parametrize("outcome", [declined("stolen_card"), {"kind": "not_sent", "cause": "cavv_gone"}, approved()])
async def test_the_cryptogram_goes_when_the_payment_ends(
    world: World, database: Database, outcome: dict[str, Any]
) -> None:
    begun = await world.begin(three_ds=SEALED, card=card(cvv_ciphertext=None, cvv_expires_at=None))
    await world.apply(begun["dispatch"], outcome)
    assert await cryptograms(database, begun["payment"]["id"]) == []


async def test_it_stays_while_nobody_knows_and_goes_after_fifteen_minutes(world: World, database: Database) -> None:
    begun = await world.begin(three_ds=SEALED)
    await world.apply(begun["dispatch"], {"kind": "unknown", "cause": "timeout"})
    payment = begun["payment"]["id"]
    assert await cryptograms(database, payment) == ["Y2F2dg=="]
    assert payment not in await world.database.system("cvv_purge_v1", {"at": at(899)})
    assert payment in await world.database.system("cvv_purge_v1", {"at": at(900)})
    claimed = await world.claim(begun["dispatch"]["operation_id"], at=at(901))
    if claimed["result"] == "claimed":
        assert claimed["dispatch"]["three_ds"] == PROOF | {"cavv_ciphertext": None}


async def test_a_cancel_between_attempts_destroys_it(world: World, database: Database) -> None:
    begun = await world.begin(three_ds=SEALED)
    payment = begun["payment"]["id"]
    await world.apply(begun["dispatch"], declined(), cascade=True)
    canceled = await world.operation("cancel", payment)
    assert canceled["payment"]["status"] == "canceled"
    assert await cryptograms(database, payment) == []


async def test_what_the_merchant_initiates_has_no_cvv_and_keeps_its_network_id(world: World) -> None:
    token = (await world.call("token_create_v1", **card(), at=at()))["id"]
    begun = await world.begin(token_id=token, network_transaction_id=NETWORK_ID)
    for dispatch in (begun["dispatch"],):
        assert (dispatch["merchant_initiated"], dispatch["network_transaction_id"]) == (True, NETWORK_ID)
        assert (dispatch["had_cvv"], dispatch["card"]["cvv_ciphertext"]) == (False, None)
        assert dispatch["three_ds"] is None
    await world.apply(begun["dispatch"], declined(), cascade=True)
    second = await world.attempt(begun["payment"]["id"])
    assert (second["dispatch"]["merchant_initiated"], second["dispatch"]["had_cvv"]) == (True, False)
    assert second["dispatch"]["network_transaction_id"] == NETWORK_ID
    assert second["dispatch"]["card"]["cvv_ciphertext"] is None


async def test_an_approvals_own_network_id_is_in_the_attempt_view(world: World) -> None:
    begun = await world.begin()
    assert "three_ds" not in begun["dispatch"]
    await world.apply(begun["dispatch"], approved() | {"network_transaction_id": NETWORK_ID})
    [attempt] = (await world.call("payment_attempts_v1", payment_id=begun["payment"]["id"]))["data"]
    assert attempt["network_transaction_id"] == NETWORK_ID


async def test_an_authentication_lifts_what_asked_for_one(world: World) -> None:
    """Visa's 1A forbids another attempt until the shopper was authenticated (RET-04)."""
    asked = declined("authentication_required") | {"network_code": "1A"}
    begun = await world.begin(card=card(fingerprint="fp_1a"))
    await world.apply(begun["dispatch"], asked)
    proved = await world.begin(card=card(fingerprint="fp_1a"), three_ds=SEALED, payment_id=new_id("pay"))
    assert proved["result"] == "begun"
