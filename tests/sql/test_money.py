"""Captures and refunds: reservations, limits, the ledger; no sequence or crowd passes a limit (INV-05, INV-06)."""

import asyncio
import hashlib
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters import postgres
from gateway.domain.errors import Conflict, IdempotencyKeyReused, NotFound, PayeraError, Refused
from gateway.domain.ids import new_id
from tests.parts import Database
from tests.sql.world import UNKNOWN, World, approved, declined, new_merchant

MOVED = {"psp:stripe:receivable": 1, "merchant:payable": -1}


def moved(amount: int) -> dict[str, int]:
    return {account: sign * amount for account, sign in MOVED.items()}


async def test_capture_in_two_parts(world: World) -> None:
    payment_id = await world.paid(1000, captured=False)
    first = await world.operation("capture", payment_id, amount=300, final=False)
    assert first["dispatch"]["amount"] == 300
    assert first["dispatch"]["final"] is False
    done = await world.apply(first["dispatch"], approved(300))
    assert (done["payment"]["status"], done["payment"]["amount_captured"]) == ("partially_captured", 300)
    with pytest.raises(Conflict, match="payment_not_cancelable"):
        await world.operation("cancel", payment_id)
    with pytest.raises(Refused, match="amount_exceeds_authorized"):
        await world.operation("capture", payment_id, amount=701)
    second = await world.operation("capture", payment_id, amount=200, final=True)
    with pytest.raises(Conflict, match="operation_in_progress"):
        await world.operation("capture", payment_id, amount=1, final=False)
    done = await world.apply(second["dispatch"], approved(200))
    assert (done["payment"]["status"], done["payment"]["amount_captured"]) == ("captured", 500)
    assert await world.balances(payment_id) == moved(500)
    assert await world.events(payment_id) == [
        "payment.created", "payment.authorized", "payment.partially_captured", "payment.captured",
    ]  # fmt: skip
    captures = (await world.call("capture_list_v1", payment_id=payment_id))["data"]
    assert [(c["object"], c["amount"]) for c in captures] == [("capture", 200), ("capture", 300)]


async def test_two_partial_captures_of_everything_end_captured(world: World) -> None:
    payment_id = await world.paid(1000, captured=False)
    parts = [await world.operation("capture", payment_id, amount=500, final=False) for _ in range(2)]
    statuses = [(await world.apply(part["dispatch"], approved(500)))["payment"]["status"] for part in parts]
    assert statuses == ["partially_captured", "captured"]


async def test_a_refused_capture_gives_its_reservation_back(world: World) -> None:
    payment_id = await world.paid(1000, captured=False)
    begun = await world.operation("capture", payment_id)
    done = await world.apply(begun["dispatch"], declined("limit_exceeded"))
    assert (done["payment"]["status"], done["operation"]["status"]) == ("authorized", "declined")
    again = await world.operation("capture", payment_id)
    await world.apply(again["dispatch"], approved(1000))
    assert await world.balances(payment_id) == moved(1000)


async def test_an_unknown_capture_keeps_its_reservation(world: World) -> None:
    payment_id = await world.paid(1000, captured=False)
    key = {"scope": "capture", "key": "k", "fingerprint": "f"}
    begun = await world.operation("capture", payment_id, amount=600, final=False, idempotency=key)
    unknown = await world.apply(begun["dispatch"], UNKNOWN)
    assert (unknown["payment"]["status"], unknown["workflow"]) == ("authorized", True)
    assert (await world.call("idempotency_get_v1", **key))["state"] == "open"
    with pytest.raises(Refused, match="amount_exceeds_authorized"):
        await world.operation("capture", payment_id, amount=500, final=False)
    claimed = await world.claim(begun["dispatch"]["operation_id"])
    found = await world.apply(claimed["dispatch"], approved(600), source="read")
    row = await world.call("idempotency_get_v1", **key)
    assert (row["state"], row["body"]) == ("frozen", found["payment"])


async def test_refunds(world: World) -> None:
    payment_id = await world.paid(1000)
    key = {"scope": "POST /v1/refunds", "key": "r1", "fingerprint": "f"}
    begun = await world.operation(
        "refund", payment_id, amount=400, reason="requested_by_customer", metadata={"a": "b"}, idempotency=key
    )
    assert begun["refund"]["status"] == "pending"
    replay = await world.operation("refund", payment_id, amount=400, idempotency=key)
    assert (replay["state"], replay["refund"]) == ("in_flight", begun["refund"])
    with pytest.raises(IdempotencyKeyReused):
        await world.operation("refund", payment_id, amount=1, idempotency=key | {"fingerprint": "g"})
    done = await world.apply(begun["dispatch"], approved(400, reference="re_1"), answers={**key, "status": 201})
    refund = done["refund"]
    assert refund["status"] == "succeeded"
    assert (refund["reason"], refund["metadata"], refund["amount"]) == ("requested_by_customer", {"a": "b"}, 400)
    assert (done["payment"]["status"], done["payment"]["amount_refunded"]) == ("captured", 400)
    frozen = await world.operation("refund", payment_id, amount=400, idempotency=key)
    assert (frozen["state"], frozen["body"]) == ("frozen", refund)
    assert await world.call("refund_get_v1", refund_id=refund["id"]) == refund
    with pytest.raises(Refused, match="amount_exceeds_captured"):
        await world.operation("refund", payment_id, amount=601)
    rest = await world.operation("refund", payment_id)
    failed = await world.apply(rest["dispatch"], declined("not_permitted"))
    assert (failed["refund"]["status"], failed["refund"]["failure"]["provider_code"]) == ("failed", "91")
    assert failed["payment"]["amount_refunded"] == 400
    assert await world.balances(payment_id) == moved(600)
    assert await world.events(payment_id) == [
        "payment.created", "payment.captured", "refund.created", "refund.succeeded", "refund.created", "refund.failed",
    ]  # fmt: skip
    listed = (await world.call("refund_list_v1", payment_id=payment_id))["data"]
    assert [r["status"] for r in listed] == ["failed", "succeeded"]
    with pytest.raises(NotFound, match="refund_not_found"):
        await world.call("refund_get_v1", refund_id=new_id("ref"))


async def test_nothing_to_refund_before_a_capture(world: World) -> None:
    payment_id = await world.paid(captured=False)
    with pytest.raises(Conflict, match="payment_not_refundable"):
        await world.operation("refund", payment_id)


async def test_the_ledger_is_a_chain(world: World) -> None:
    payment_id = await world.paid(1000)
    for amount in (100, 200):
        begun = await world.operation("refund", payment_id, amount=amount)
        await world.apply(begun["dispatch"], approved(amount))
    previous = "0" * 64
    for transaction in (await world.call("payment_ledger_v1", payment_id=payment_id))["data"]:
        assert transaction["previous_hash"] == previous
        lines = "".join(f"{line['account']}|{line['currency']}|{line['amount']}\n" for line in transaction["lines"])
        previous = hashlib.sha256((previous + lines).encode()).hexdigest()
        assert transaction["hash"] == previous


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("update core.ledger_line set amount = amount + 1", "append_only"),
        ("delete from core.ledger_transaction", "append_only"),
        ("truncate core.ledger_line", "append_only"),
        ("update core.event set type = 'x'", "append_only"),
        ("insert into core.ledger_line select transaction_id, 3, merchant, account, currency, 1 from core.ledger_line limit 1", "ledger_unbalanced"),  # noqa: E501
        (
            "insert into core.ledger_transaction select id || 'x', merchant, payment_id, position + 100, 'refund',"
            " operation_id, at, '', '' from core.ledger_transaction limit 1",
            "ledger_unbalanced",
        ),
        ("update core.payment set status = 'processing' where status = 'captured'", "forbidden_transition"),
        ("update core.operation set status = 'dispatched' where status = 'approved'", "forbidden_transition"),
        ("update core.payment set amount_captured = amount_authorized + 1 where amount_authorized > 0", "captured_within_authorized"),  # noqa: E501
        ("update core.payment set amount_refunded = amount_captured + 1 where amount_captured > 0", "refunded_within_captured"),  # noqa: E501
    ],
)  # fmt: skip
async def test_no_hand_can_break_the_books(world: World, database: Database, statement: str, code: str) -> None:
    """Goal: the rules hold without the functions. Method: a superuser, whom no policy stops, tries."""
    await world.paid()
    connection = await asyncpg.connect(database.superuser)
    try:
        with pytest.raises(asyncpg.PostgresError, match=code):
            await connection.execute(statement)
    finally:
        await connection.close()


async def crowd(database: Database, size: int, work: Any) -> list[Any]:
    """Run `work(world)` `size` times at once, over 50 connections."""
    async with postgres.Database(database.app, connections_max=50) as many:
        return list(await asyncio.gather(*(work(many) for _ in range(size)), return_exceptions=True))


async def test_a_hundred_parallel_captures_stay_within_the_authorization(world: World, database: Database) -> None:
    payment_id = await world.paid(1000, captured=False)

    async def capture(store: postgres.Database) -> Any:
        mine = World(store, world.merchant)
        begun = await mine.operation("capture", payment_id, amount=30, final=False)
        return await mine.apply(begun["dispatch"], approved(30))

    results = await crowd(database, 100, capture)
    refused = [r for r in results if isinstance(r, PayeraError)]
    assert {r.code for r in refused} <= {"amount_exceeds_authorized", "payment_not_capturable"}
    assert len(results) - len(refused) == 33
    assert (await world.payment(payment_id))["amount_captured"] == 990
    assert await world.balances(payment_id) == moved(990)


async def test_a_hundred_parallel_refunds_stay_within_the_capture(world: World, database: Database) -> None:
    payment_id = await world.paid(1000)

    async def refund(store: postgres.Database) -> Any:
        mine = World(store, world.merchant)
        begun = await mine.operation("refund", payment_id, amount=30)
        return await mine.apply(begun["dispatch"], approved(30))

    results = await crowd(database, 100, refund)
    refused = [r for r in results if isinstance(r, BaseException)]
    assert {getattr(r, "code", repr(r)) for r in refused} == {"amount_exceeds_captured"}
    assert len(refused) == 67
    assert await world.balances(payment_id) == moved(10)


async def test_a_hundred_parallel_begins_with_one_key_make_one_payment(world: World, database: Database) -> None:
    key = {"scope": "POST /v1/payments", "key": "crowd", "fingerprint": "f"}
    results = await crowd(database, 100, lambda store: World(store, world.merchant).begin(idempotency=key))
    begun = [r for r in results if r["result"] == "begun"]
    replays = [r for r in results if r["result"] == "replay"]
    assert (len(begun), len(replays)) == (1, 99)
    assert {r["state"] for r in replays} == {"in_flight"}
    assert {r["payment"]["id"] for r in replays} == {begun[0]["payment"]["id"]}
    assert len((await world.call("payment_list_v1", limit=100))["data"]) == 1


OUTCOMES = st.sampled_from(["approved", "declined", "unknown", "not_sent"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["capture", "refund", "cancel", "resolve"]), st.integers(1, 700), st.booleans(), OUTCOMES
    ),
    max_size=14,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_any_sequence_keeps_the_limits(database: Database, steps: list[tuple[str, int, bool, str]]) -> None:
    """Goal: INV-05 and INV-06 after every step. Method: random steps against a model of what the PSP did."""
    async with postgres.Database(database.app, database.system) as store:
        world = await new_merchant(store)
        payment_id = await world.paid(1000, captured=False)
        captured = refunded = 0
        void = False
        waiting: list[Any] = []
        for kind, amount, final, outcome in steps:
            dispatch = await begin_step(world, payment_id, kind, amount, final, waiting)
            if dispatch is not None:
                await world.apply(dispatch, outcome_of(outcome, dispatch), source="inline")
                if outcome == "unknown":
                    waiting.append(dispatch)
                elif outcome == "approved":
                    captured += dispatch["amount"] * (dispatch["kind"] == "capture")
                    refunded += dispatch["amount"] * (dispatch["kind"] == "refund")
                    void = void or dispatch["kind"] == "void"
            payment = await world.payment(payment_id)
            assert (payment["amount_captured"], payment["amount_refunded"]) == (captured, refunded)
            assert captured <= 1000
            assert refunded <= captured
            assert not (void and captured)
            assert (payment["status"] == "canceled") == void
            assert await world.balances(payment_id) == ({} if captured == refunded else moved(captured - refunded))
        await world.events(payment_id)


def outcome_of(kind: str, dispatch: Any) -> dict[str, Any]:
    match kind:
        case "approved":
            return approved(dispatch["amount"])
        case "declined":
            return declined()
        case "unknown":
            return UNKNOWN
        case _:
            return {"kind": "not_sent", "cause": "refused"}


async def begin_step(
    world: World, payment_id: str, kind: str, amount: int, final: bool, waiting: list[Any]
) -> Any | None:
    """The dispatch to answer next, or None where a rule refuses or nothing waits."""
    if kind == "resolve":
        return waiting.pop() if waiting else None
    fields: dict[str, Any] = {"capture": {"amount": amount, "final": final}, "refund": {"amount": amount}}.get(kind, {})
    try:
        return (await world.operation(kind, payment_id, **fields))["dispatch"]
    except (Conflict, Refused):
        return None
