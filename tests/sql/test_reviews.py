"""What waits for a person: the queue, what an operator may say, the ledger after it, and the audit of it."""

import asyncio
from typing import Any

import asyncpg
import orjson
import pytest

from gateway.domain.errors import Bug, Conflict, NotFound, Refused
from gateway.domain.ids import new_id
from tests.parts import Database
from tests.sql.world import UNKNOWN, World, approved, at, declined, new_merchant


async def reviewed(world: World, **fields: Any) -> str:
    """A payment whose attempt nobody could prove anything about; the attempt's id."""
    begun = await world.begin(**fields)
    await world.apply(begun["dispatch"], UNKNOWN)
    return await to_review(world, begun["dispatch"]["operation_id"])


async def to_review(world: World, operation_id: str, reason: str = "no_proof", at_s: float = 3700) -> str:
    claimed = await world.claim(operation_id)
    reviewing = await world.call(
        "operation_review_v1",
        operation_id=operation_id,
        epoch=claimed["dispatch"]["epoch"],
        reason=reason,
        at=at(at_s),
        event_ids=[new_id("evt") for _ in range(4)],
    )
    assert reviewing["operation"]["status"] == "review"
    return operation_id


async def resolve(world: World, operation_id: str, action: str, **fields: Any) -> Any:
    p = {
        "operation_id": operation_id,
        "action": action,
        "evidence": "seen in the PSP's dashboard",
        "operator": "ada",
        "origin": "192.0.2.7",
        "at": at(4000),
        "event_ids": [new_id("evt") for _ in range(5)],
        "order_id": new_id("ord"),
    }
    return await world.call("review_resolve_v1", **(p | fields))


async def test_the_queue_says_what_is_known_and_what_can_be_done(world: World) -> None:
    operation_id = await reviewed(world)
    listed = await world.call("review_list_v1", status="open")
    assert listed["has_more"] is False
    [review] = listed["data"]
    assert review | {"id": ""} == {
        "id": "",
        "object": "review",
        "status": "open",
        "merchant": world.merchant,
        "payment": review["payment"],
        "operation": operation_id,
        "kind": "authorize",
        "provider": "stripe",
        "provider_account": world.accounts["stripe"],
        "amount": 4200,
        "currency": "EUR",
        "reason": "no_proof",
        "opened_at": "2026-11-22T13:01:40.000Z",
        "known": {
            "status": "review",
            "outcomes": ["unknown"],
            "looks": 1,
            "looked_at": "2026-11-22T12:00:20.000Z",
            "unknown_since": "2026-11-22T12:00:01.000Z",
            "absent_since": None,
            "provider_reference": None,
            "parent_reference": None,
            "cause": "timeout",
            "provider_code": None,
            "message": None,
            "reversal_of": None,
        },
        "actions": ["approved", "declined", "absent", "look_again"],
        "resolved_at": None,
        "resolution": None,
        "resolved_by": None,
        "evidence": None,
    }
    assert (await world.call("review_list_v1", status="resolved"))["data"] == []
    assert (await world.call("review_list_v1", reason="conflict"))["data"] == []
    across = await world.database.system(
        "review_list_v1", {"merchant": world.merchant, "payment_id": review["payment"]}
    )
    assert across["data"] == [review]
    other = await new_merchant(world.database)
    assert (await other.call("review_list_v1"))["data"] == []
    owner = {"merchant": world.merchant, "payment_id": review["payment"]}
    assert await world.database.system("owner_lookup_v1", {"operation_id": operation_id}) == owner
    assert await world.database.system("owner_lookup_v1", {"payment_id": review["payment"]}) == owner
    assert await world.database.system("owner_lookup_v1", {"payment_id": new_id("pay")}) is None


@pytest.mark.parametrize(
    ("capture_method", "status", "balances"),
    [
        ("automatic", "captured", {"psp:stripe:receivable": 4200, "merchant:payable": -4200}),
        ("manual", "authorized", {}),
    ],
)
async def test_approved(world: World, capture_method: str, status: str, balances: dict[str, int]) -> None:
    operation_id = await reviewed(world, capture_method=capture_method)
    resolved = await resolve(world, operation_id, "approved", provider_reference="psp_found")
    assert resolved["payment"]["status"] == status
    assert resolved["payment"]["review_reason"] is None
    assert resolved["operation"]["provider_reference"] == "psp_found"
    assert resolved["review"]["status"] == "resolved"
    assert resolved["review"]["resolution"] == "approved"
    assert resolved["review"]["resolved_by"] == "ada"
    assert resolved["workflow"] is False
    payment_id = resolved["payment"]["id"]
    assert await world.balances(payment_id) == balances
    assert await world.events(payment_id) == [
        "payment.created",
        "payment.needs_review",
        f"payment.{status}",
        "payment.review_resolved",
    ]
    # The merchant sees that it was resolved and how, not by whom.
    [seen] = (await world.call("review_list_v1", payment_id=payment_id))["data"]
    assert seen["resolved_by"] is None
    assert seen["evidence"] == "seen in the PSP's dashboard"


async def test_an_approval_needs_the_psps_own_id(world: World) -> None:
    operation_id = await reviewed(world)
    with pytest.raises(Refused, match="provider_reference_missing"):
        await resolve(world, operation_id, "approved")
    [review] = (await world.call("review_list_v1", status="open"))["data"]
    assert review["operation"] == operation_id  # nothing of the refused resolution stays


async def test_another_amount_than_asked_is_booked_as_it_was_moved(world: World) -> None:
    operation_id = await reviewed(world)
    resolved = await resolve(world, operation_id, "approved", provider_reference="psp_1", amount=420)
    assert resolved["payment"]["amount"] == 4200
    assert resolved["payment"]["amount_captured"] == 420
    assert resolved["operation"]["amount"] == 420
    assert await world.balances(resolved["payment"]["id"]) == {"psp:stripe:receivable": 420, "merchant:payable": -420}
    [entry] = await audit(world, payment_id=resolved["payment"]["id"])
    assert entry["before"]["operation"]["amount"] == 4200
    assert entry["after"]["operation"]["amount"] == 420


@pytest.mark.parametrize(("action", "status"), [("declined", "declined"), ("absent", "failed")])
async def test_declined_and_absent_end_the_payment_without_a_fallback(world: World, action: str, status: str) -> None:
    operation_id = await reviewed(world)
    resolved = await resolve(world, operation_id, action)
    assert resolved["payment"]["status"] == status
    assert resolved["workflow"] is False
    payment_id = resolved["payment"]["id"]
    assert await world.balances(payment_id) == {}
    assert (await world.events(payment_id))[-2:] == [f"payment.{status}", "payment.review_resolved"]
    assert (await world.plan(payment_id))["next"] is None
    with pytest.raises(Conflict, match="review_not_open"):
        await resolve(world, operation_id, action)
    # Evidence still counts afterwards, as it does against every settled "no".
    [operation] = (await world.plan(payment_id))["operations"]
    late = await world.apply({"operation_id": operation_id, "epoch": operation["epoch"]}, approved(), source="webhook")
    assert late["result"] == "surplus"


async def test_look_again_begins_a_new_look_and_sends_nothing_twice(world: World) -> None:
    operation_id = await reviewed(world)
    await world.orders()
    resolved = await resolve(world, operation_id, "look_again")
    assert resolved["payment"]["status"] == "processing"
    assert resolved["operation"]["status"] == "unknown"
    assert resolved["workflow"] is True
    assert await world.orders() == [resolved["payment"]["id"]]
    [operation] = (await world.plan(resolved["payment"]["id"]))["operations"]
    assert operation["unknown_since"] == "2026-11-22T13:06:40.000Z"  # a new window
    assert operation["looks"] == 1  # but not the first look, which alone may repeat what is executed anew
    # It may come back, as a new review.
    await to_review(world, operation_id, "conflict", 4100)
    reviews = (await world.call("review_list_v1", payment_id=resolved["payment"]["id"]))["data"]
    assert [(review["status"], review["resolution"]) for review in reviews] == [
        ("open", None),
        ("resolved", "look_again"),
    ]


async def test_whoever_looks_while_an_operator_resolves_is_fenced_but_an_approval_counts(world: World) -> None:
    operation_id = await reviewed(world)
    await world.call(
        "webhook_receive_v1",
        account_id=world.accounts["stripe"],
        facts=[{"event_id": "evt_psp", "event_type": "charge", "operation_id": operation_id}],
        at=at(3900),
        order_id=new_id("ord"),
    )
    looking = (await world.claim(operation_id))["dispatch"]
    resolved = await resolve(world, operation_id, "absent")
    assert resolved["payment"]["status"] == "failed"
    assert (await world.apply(looking, declined(), source="read"))["result"] == "stale"
    assert (await world.apply(looking, approved(), source="read"))["result"] == "surplus"
    assert await world.balances(resolved["payment"]["id"]) == {
        "psp:stripe:receivable": 4200,
        "suspense:duplicate": -4200,
    }


async def test_evidence_closes_a_review_by_itself(world: World) -> None:
    operation_id = await reviewed(world)
    plan = await world.plan((await world.call("review_list_v1"))["data"][0]["payment"])
    epoch = plan["operations"][0]["epoch"]
    told = await world.apply({"operation_id": operation_id, "epoch": epoch}, approved(), source="webhook", at=at(5000))
    assert told["payment"]["status"] == "captured"
    [review] = (await world.call("review_list_v1"))["data"]
    assert (review["status"], review["resolution"], review["resolved_at"]) == (
        "resolved",
        "evidence",
        "2026-11-22T13:23:20.000Z",
    )
    assert "payment.review_resolved" not in await world.events(review["payment"])


@pytest.mark.parametrize("kind", ["capture", "refund"])
async def test_captures_and_refunds(world: World, kind: str) -> None:
    """Approved with another amount, absent, and what has no room."""
    payment_id = await world.paid(captured=kind == "refund")
    begun = await world.operation(kind, payment_id, amount=1000, **({"final": False} if kind == "capture" else {}))
    operation_id = begun["dispatch"]["operation_id"]
    await world.apply(begun["dispatch"], UNKNOWN)
    await to_review(world, operation_id)
    beyond = "amount_exceeds_authorized" if kind == "capture" else "amount_exceeds_captured"
    with pytest.raises(Refused, match=beyond):
        await resolve(world, operation_id, "approved", amount=4201)
    with pytest.raises(Refused, match="amount_not_possible"):
        await resolve(world, operation_id, "absent", amount=900)
    resolved = await resolve(world, operation_id, "approved", amount=1500)
    assert resolved["payment"][f"amount_{kind}d" if kind == "capture" else "amount_refunded"] == 1500
    left = 1500 if kind == "capture" else 2700
    assert await world.balances(payment_id) == {"psp:stripe:receivable": left, "merchant:payable": -left}
    again = await world.operation(kind, payment_id, amount=2700)
    await world.apply(again["dispatch"], UNKNOWN)
    await to_review(world, again["dispatch"]["operation_id"])
    resolved = await resolve(world, again["dispatch"]["operation_id"], "absent")
    assert await world.balances(payment_id) == {"psp:stripe:receivable": left, "merchant:payable": -left}
    assert resolved["payment"]["review_reason"] is None
    # Its reservation is given back: the same amount fits again.
    assert (await world.operation(kind, payment_id, amount=2700))["result"] == "begun"


async def test_a_reversal_that_the_psp_refused(world: World) -> None:
    """The money was given back by hand: suspense empties, as if the reversal had gone through."""
    begun = await world.begin()
    await world.apply(begun["dispatch"], declined())
    payment_id, attempt = begun["payment"]["id"], begun["dispatch"]
    await world.apply(attempt, approved(), source="webhook")
    reversal = (await world.reverse(attempt["operation_id"], at=at(30)))["dispatch"]
    await world.apply(reversal, declined("not_permitted"))
    [review] = (await world.call("review_list_v1", status="open"))["data"]
    assert (review["reason"], review["actions"]) == ("reversal_declined", ["approved", "acknowledge"])
    resolved = await resolve(world, reversal["operation_id"], "approved")
    assert await world.balances(payment_id) == {}
    assert resolved["payment"]["review_reason"] is None
    assert (await world.events(payment_id))[-2:] == ["payment.duplicate_reversed", "payment.review_resolved"]


async def test_what_stands_is_acknowledged(world: World) -> None:
    """A PSP takes back what it confirmed: nothing booked changes, the review can be closed, and nothing else done."""
    payment_id = await world.paid()
    begun = await world.operation("refund", payment_id, amount=1000)
    operation_id = begun["dispatch"]["operation_id"]
    await world.apply(begun["dispatch"], approved(1000))
    await world.call(
        "webhook_receive_v1",
        account_id=world.accounts["stripe"],
        facts=[
            {"event_id": "e1", "event_type": "REFUND_FAILED", "operation_id": operation_id, "outcome": declined()},
        ],
        at=at(100),
        order_id=new_id("ord"),
    )
    [review] = (await world.call("review_list_v1", status="open"))["data"]
    assert (review["operation"], review["reason"], review["actions"]) == (
        operation_id,
        "provider_contradicts",
        ["acknowledge"],
    )
    with pytest.raises(Refused, match="action_not_possible"):
        await resolve(world, operation_id, "declined")
    before = await world.payment(payment_id)
    assert before["review_reason"] == "provider_contradicts"
    resolved = await resolve(world, operation_id, "acknowledge")
    assert resolved["payment"] == before | {"review_reason": None, "updated_at": "2026-11-22T13:06:40.000Z"}
    assert resolved["review"]["resolution"] == "acknowledged"
    assert await world.balances(payment_id) == {"psp:stripe:receivable": 3200, "merchant:payable": -3200}


async def test_two_operators_at_once(world: World) -> None:
    """One resolves, the other is told so; one audit entry, one posting."""
    operation_id = await reviewed(world)
    answers = await asyncio.gather(
        *(
            resolve(world, operation_id, "approved", provider_reference="psp_1", operator=name)
            for name in ("ada", "bob", "cyd", "dan")
        ),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "Conflict", "Conflict", "dict"]
    [review] = (await world.call("review_list_v1"))["data"]
    assert len(await audit(world, payment_id=review["payment"])) == 1
    assert len((await world.call("payment_ledger_v1", payment_id=review["payment"]))["data"]) == 1


async def test_a_strangers_operation(world: World) -> None:
    operation_id = await reviewed(world)
    other = await new_merchant(world.database)
    with pytest.raises(NotFound, match="operation_not_found"):
        await resolve(other, operation_id, "absent")


async def audit(world: World, **filters: Any) -> list[Any]:
    """The entries of a payment, oldest first, without the readings of the audit itself."""
    read = await world.database.system("audit_list_v1", {"by": "test", "at": at(), "limit": 100} | filters)
    return [entry for entry in reversed(read["data"]) if entry["action"] != "audit.read"]


def state(payment: str, operation: str, *, review_reason: str | None) -> dict[str, Any]:
    """What an audit entry keeps of a payment that nobody approved."""
    nothing = {"amount_authorized": 0, "amount_captured": 0, "amount_refunded": 0}
    asked = {"amount": 4200, "currency": "EUR", "surplus": False, "provider_reference": None}
    return {
        "payment": {"status": payment, **nothing, "review_reason": review_reason},
        "operation": {"status": operation, **asked},
    }


async def test_the_audit_says_who_when_why_and_what_changed(world: World) -> None:
    operation_id = await reviewed(world)
    resolved = await resolve(world, operation_id, "absent", confirmed_by="bob")
    payment_id = resolved["payment"]["id"]
    added = await world.database.system(
        "audit_add_v1",
        {
            "operator": "ada",
            "action": "review.absent",
            "result": "review_not_open",
            "payment_id": payment_id,
            "subject": operation_id,
            "at": at(4001),
        },
    )
    first, second = await audit(world, payment_id=payment_id)
    assert first | {"id": "", "position": 0, "hash": "", "previous_hash": ""} == {
        "id": "",
        "object": "audit_entry",
        "position": 0,
        "at": "2026-11-22T13:06:40.000Z",
        "operator": "ada",
        "confirmed_by": "bob",
        "action": "review.absent",
        "result": "done",
        "merchant": world.merchant,
        "payment": payment_id,
        "subject": operation_id,
        "why": "seen in the PSP's dashboard",
        "before": state("needs_review", "review", review_reason="no_proof"),
        "after": state("failed", "absent", review_reason=None),
        "origin": "192.0.2.7",
        "trace": None,
        "hash": "",
        "previous_hash": "",
    }
    assert second["previous_hash"] == first["hash"]
    assert (second["id"], second["result"]) == (added["id"], "review_not_open")
    # Reading it was written down as well, and a page leads on to the next.
    pages = await world.database.system("audit_list_v1", {"by": "eve", "at": at(), "limit": 1})
    assert pages["data"][0]["action"] == "audit.read"
    assert pages["next_cursor"] == pages["data"][0]["id"]
    more = await world.database.system(
        "audit_list_v1", {"by": "eve", "at": at(), "limit": 1, "cursor": pages["next_cursor"]}
    )
    assert more["data"][0]["position"] == pages["data"][0]["position"] - 1


async def test_the_same_person_does_not_confirm(world: World) -> None:
    operation_id = await reviewed(world)
    with pytest.raises(Bug, match="database_refused"):
        await resolve(world, operation_id, "absent", confirmed_by="ada")


async def test_the_audit_takes_inserts_only_and_shows_what_was_done_to_it(world: World, database: Database) -> None:
    """Goal: an edited, a removed and a cut-off row are found. Method: as superuser, past the trigger, in a transaction
    that is rolled back."""
    for action in ("absent", "declined"):
        await resolve(world, await reviewed(world), action)
    verified = await world.database.system("audit_verify_v1", {})
    assert verified == {"entries": verified["entries"], "broken": [], "truncated": False, "head": verified["head"]}
    assert verified["entries"] >= 2
    connection = await asyncpg.connect(database.superuser)
    try:
        for statement in ("update core.audit set why = 'x'", "delete from core.audit", "truncate core.audit"):
            with pytest.raises(asyncpg.PostgresError, match="append_only"):
                await connection.execute(statement)
        last = verified["entries"]
        for tampering, broken, truncated in (
            (f"update core.audit set operator = 'eve' where position = {last - 1}", [last - 1], False),
            (f"update core.audit set at = at + interval '1 microsecond' where position = {last}", [last], False),
            (f"delete from core.audit where position = {last - 1}", [last], False),
            (f"delete from core.audit where position = {last}", [], True),
        ):
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute("alter table core.audit disable trigger append_only")
            await connection.execute(tampering)
            found = orjson.loads(await connection.fetchval("select sys.audit_verify_v1('{}')"))
            assert (found["broken"], found["truncated"]) == (broken, truncated), tampering
            await transaction.rollback()
    finally:
        await connection.close()
