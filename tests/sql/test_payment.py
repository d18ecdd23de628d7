"""One attempt, from begin to rest: what is answered, frozen, posted, emitted, ordered and destroyed."""

import pytest

from gateway.domain.errors import Bug, IdempotencyKeyReused, NotFound, Refused
from gateway.domain.ids import new_id
from tests.sql.world import UNKNOWN, World, approved, at, card, declined, new_merchant

KEY = {"scope": "POST /v1/payments", "key": "order-1", "fingerprint": "f1"}


async def test_begin_answers_view_and_dispatch(world: World) -> None:
    begun = await world.begin(reference="order 1", description="shoes", metadata={"b": "1", "a": "2"})
    payment, dispatch = begun["payment"], begun["dispatch"]
    assert list(payment) == [
        "id",
        "object",
        "status",
        "amount",
        "currency",
        "capture_method",
        "amount_authorized",
        "amount_captured",
        "amount_refunded",
        "provider",
        "card",
        "token",
        "decline",
        "reference",
        "description",
        "metadata",
        "cancel_requested",
        "review_reason",
        "created_at",
        "updated_at",
        "amount_disputed",
        "authorization_expires_at",
        "cancellation_reason",
    ]
    assert payment["status"] == "processing"
    assert payment["card"] == {"brand": "visa", "bin": "424242", "last4": "4242", "exp_month": 12, "exp_year": 2030}
    assert payment["created_at"] == "2026-11-22T12:00:00.000Z"
    assert dispatch["account"]["id"] == world.accounts["stripe"]
    assert dispatch["account"]["credentials_ciphertext"] == "Y3JlZA=="
    assert dispatch["card"]["ciphertext"] == "c2VhbGVk"
    assert dispatch["card"]["cvv_ciphertext"] == "Y3Z2"
    assert (dispatch["kind"], dispatch["epoch"], dispatch["capture"], dispatch["had_cvv"]) == (
        "authorize",
        1,
        True,
        True,
    )
    assert dispatch["reference"] == "order 1"
    assert await world.events(payment["id"]) == ["payment.created"]


async def test_captured_at_once(world: World) -> None:
    begun = await world.begin(idempotency=KEY)
    applied = await world.apply(begun["dispatch"], approved(), answers={**KEY, "status": 201})
    assert (applied["result"], applied["workflow"]) == ("applied", False)
    payment = applied["payment"]
    assert payment["status"] == "captured"
    assert (payment["amount_authorized"], payment["amount_captured"], payment["amount_refunded"]) == (4200, 4200, 0)
    assert applied["operation"]["outcomes"] == ["approved"]
    assert await world.events(payment["id"]) == ["payment.created", "payment.captured"]
    assert await world.balances(payment["id"]) == {"psp:stripe:receivable": 4200, "merchant:payable": -4200}
    assert payment["id"] not in await world.orders()
    row = await world.call("idempotency_get_v1", **KEY)
    assert (row["state"], row["status"], row["body"]) == ("frozen", 201, payment)
    again = await world.begin(idempotency=KEY)
    assert (again["result"], again["state"], again["body"]) == ("replay", "frozen", payment)
    assert list(again["body"]) == list(payment)


async def test_authorized_posts_nothing(world: World) -> None:
    payment_id = await world.paid(captured=False)
    assert await world.balances(payment_id) == {}
    assert await world.events(payment_id) == ["payment.created", "payment.authorized"]


async def test_declined_for_good_shows_why(world: World) -> None:
    begun = await world.begin()
    applied = await world.apply(begun["dispatch"], declined("stolen_card"), cascade=False)
    assert applied["payment"]["status"] == "declined"
    assert applied["payment"]["decline"] == {
        "reason": "stolen_card", "advice": "schedule", "provider_code": "91", "network_code": None, "message": "no",
    }  # fmt: skip
    assert applied["workflow"] is False


async def test_not_sent_without_fallback_is_failed(world: World) -> None:
    begun = await world.begin()
    applied = await world.apply(begun["dispatch"], {"kind": "not_sent", "cause": "connect"}, cascade=False)
    assert (applied["payment"]["status"], applied["payment"]["decline"]) == ("failed", None)


async def test_the_same_outcome_again_changes_nothing(world: World) -> None:
    begun = await world.begin()
    outcome = approved(reference="psp_1")
    first = await world.apply(begun["dispatch"], outcome)
    second = await world.apply(begun["dispatch"], outcome)
    assert (second["result"], second["payment"]) == ("already", first["payment"])
    assert await world.events(first["payment"]["id"]) == ["payment.created", "payment.captured"]
    late = await world.apply(begun["dispatch"], declined())
    assert (late["result"], late["payment"]["status"]) == ("stale", "captured")


async def test_another_amount_is_looked_at_by_a_person(world: World) -> None:
    begun = await world.begin()
    applied = await world.apply(begun["dispatch"], approved(4300))
    assert (applied["payment"]["status"], applied["payment"]["review_reason"]) == ("needs_review", "amount_mismatch")
    assert applied["operation"]["status"] == "review"
    assert await world.balances(applied["payment"]["id"]) == {}
    resolved = await world.apply(begun["dispatch"], approved(4200), source="operator")
    assert (resolved["payment"]["status"], resolved["payment"]["review_reason"]) == ("captured", None)


async def test_an_action_waits_for_the_shopper(world: World) -> None:
    begun = await world.begin(idempotency=KEY)
    outcome = {"kind": "action_required", "provider_reference": "pi_1", "action": {"type": "redirect"}}
    applied = await world.apply(begun["dispatch"], outcome)
    assert (applied["payment"]["status"], applied["workflow"]) == ("requires_action", True)
    assert (await world.call("idempotency_get_v1", **KEY))["state"] == "frozen"
    done = await world.apply(begun["dispatch"], approved(), source="read")
    assert done["payment"]["status"] == "captured"
    assert await world.events(done["payment"]["id"]) == [
        "payment.created", "payment.requires_action", "payment.captured",
    ]  # fmt: skip


async def test_the_cvv_ends_with_the_authorization(world: World) -> None:
    for outcome in (approved(), approved(captured=False), declined(), {"kind": "not_sent", "cause": "refused"}):
        begun = await world.begin()
        assert (await world.plan(begun["payment"]["id"]))["operations"][0]["cvv_here"] is True
        await world.apply(begun["dispatch"], outcome)
        assert (await world.plan(begun["payment"]["id"]))["operations"][0]["cvv_here"] is False
    begun = await world.begin()
    await world.apply(begun["dispatch"], UNKNOWN)
    assert (await world.plan(begun["payment"]["id"]))["operations"][0]["cvv_here"] is True


async def test_a_token_without_cvv_and_an_old_cvv(world: World) -> None:
    token = await world.call("token_create_v1", **card(cvv_ciphertext=None), at=at())
    assert list(token) == ["id", "object", "card", "created_at"]
    assert (await world.call("token_get_v1", token_id=token["id"])) == token
    begun = await world.begin(token_id=token["id"])
    assert (begun["dispatch"]["had_cvv"], begun["dispatch"]["card"]["cvv_ciphertext"]) == (False, None)
    old = await world.begin(card=card(cvv_expires_at=at(-1)))
    assert (old["dispatch"]["had_cvv"], old["dispatch"]["card"]["cvv_ciphertext"]) == (False, None)
    assert old["payment"]["token"] in await world.database.system("cvv_purge_v1", {"at": at()})


async def test_refusals_of_begin_leave_nothing_behind(world: World) -> None:
    with pytest.raises(NotFound, match="token_not_found"):
        await world.begin(token_id=new_id("tok"), idempotency=KEY)
    assert await world.call("idempotency_get_v1", **KEY) is None
    begun = await world.begin(idempotency=KEY)
    with pytest.raises(IdempotencyKeyReused) as caught:
        await world.begin(idempotency=KEY | {"fingerprint": "other"})
    assert caught.value.code == "idempotency_key_reused"
    replay = await world.begin(idempotency=KEY)
    assert (replay["result"], replay["state"], replay["payment"]) == ("replay", "in_flight", begun["payment"])


async def test_routing(world: World) -> None:
    bare = await new_merchant(world.database, providers=())
    with pytest.raises(Refused, match="no_route"):
        await bare.begin()
    with pytest.raises(Refused, match="provider_account_not_found"):
        await bare.call("routing_set_v1", providers=[world.accounts["stripe"]], max_fallbacks=0)
    assert (await bare.call("routing_get_v1"))["providers"] == []
    account = world.accounts["dummypay"]
    await world.call("routing_set_v1", providers=[account, "stripe"], max_fallbacks=1)
    assert (await world.begin())["payment"]["provider"] == "dummypay"
    await world.call("provider_account_delete_v1", account_id=account, at=at())
    assert (await world.begin())["payment"]["provider"] == "stripe"


async def test_an_unknown_operation_is_not_found(world: World) -> None:
    with pytest.raises(NotFound, match="operation_not_found"):
        await world.apply({"operation_id": new_id("att"), "epoch": 1}, approved())


async def test_too_few_event_ids_undo_everything(world: World) -> None:
    begun = await world.begin()
    with pytest.raises(Bug, match="event_id_missing"):
        await world.apply(begun["dispatch"], approved(), event_ids=[])
    assert (await world.payment(begun["payment"]["id"]))["status"] == "processing"


async def test_lists_page_newest_first(world: World) -> None:
    ids = [await world.paid() for _ in range(5)]
    ids.append((await world.begin(reference="r1"))["payment"]["id"])
    newest = ids[::-1]
    seen: list[str] = []
    cursor = None
    while True:
        page = await world.call("payment_list_v1", limit=2, cursor=cursor)
        seen += [payment["id"] for payment in page["data"]]
        if not page["has_more"]:
            assert page["next_cursor"] is None
            break
        cursor = page["next_cursor"]
    assert sorted(seen, reverse=True) == seen
    assert sorted(seen) == sorted(newest)
    assert [p["id"] for p in (await world.call("payment_list_v1", reference="r1"))["data"]] == [ids[-1]]
    assert len((await world.call("payment_list_v1", status="captured"))["data"]) == 5
    attempts = await world.call("payment_attempts_v1", payment_id=ids[0])
    assert attempts["data"][0]["object"] == "attempt"
    assert "kind" not in attempts["data"][0]
