"""Disputes: notices in any order and number leave one state and one set of postings; refunds keep off that money."""

import itertools
from typing import Any

import asyncpg
import pytest

from gateway.domain.dispute import AT_RISK, DISPUTE_TRANSITIONS
from gateway.domain.errors import Bug, Conflict, NotFound, Refused
from gateway.domain.ids import new_id
from tests.parts import Database
from tests.sql.world import World, approved, at, new_merchant

PSP, DISPUTED, OWED, FEES = "psp:stripe:receivable", "merchant:disputed", "merchant:payable", "merchant:fees"
SOLD = {PSP: 4200, OWED: -4200}


def notice(status: str, seconds: float, **fields: Any) -> dict[str, Any]:
    """DISPUTE of the contract, told by the PSP so many seconds after noon."""
    return {
        "id": new_id("dsp"),
        "provider_reference": "dp_1",
        "status": status,
        "amount": 4200,
        "currency": "EUR",
        "reason": "fraud",
        "network_code": "10.4",
        "at": at(seconds),
        **fields,
    }


async def tell(world: World, payment_id: str | None, *notices: dict[str, Any], **fields: Any) -> Any:
    """Each notice in a notification of its own."""
    reference = {}
    if payment_id is not None:
        [attempt] = (await world.plan(payment_id))["operations"][:1]
        reference = {"provider_reference": attempt["provider_reference"]}
    received = None
    for each in notices:
        fact = {"event_id": new_id("x"), "event_type": f"dispute.{each['status']}", "dispute": each}
        received = await world.call(
            "webhook_receive_v1",
            account_id=world.accounts["stripe"],
            facts=[fact | reference | fields],
            at=at(100),
            order_id=new_id("ord"),
        )
    return received


async def only(world: World, payment_id: str) -> Any:
    [dispute] = (await world.call("dispute_list_v1", payment_id=payment_id))["data"]
    assert await world.call("dispute_get_v1", dispute_id=dispute["id"]) == dispute
    return dispute


async def statuses(world: World, payment_id: str) -> list[str]:
    """The statuses that the events tell, in order."""
    listed = await world.call("event_list_v1", payment_id=payment_id, limit=100)
    events = [event for event in listed["data"] if event["type"].startswith("dispute.")]
    steps = [event["data"]["dispute"]["status"] for event in events]
    for event, (before, after) in zip(events, itertools.pairwise(["new", *steps]), strict=True):
        assert event["type"] == ("dispute.updated" if before == after else DISPUTE_TRANSITIONS[before][after])
    return steps


async def test_taken_and_given_back(world: World) -> None:
    payment_id = await world.paid()
    due = {"evidence_due_at": at(500)}
    await tell(world, payment_id, notice("needs_response", 1, moves=1, fee=1500, **due))
    dispute = await only(world, payment_id)
    assert (dispute["status"], dispute["amount_withdrawn"], dispute["fee"], dispute["closed_at"]) == (
        "needs_response",
        4200,
        1500,
        None,
    )
    assert (dispute["provider"], dispute["reason"], dispute["network_code"]) == ("stripe", "fraud", "10.4")
    assert dispute["evidence_due_at"][:19] == at(500)[:19]
    assert await world.balances(payment_id) == {PSP: -1500, OWED: -4200, DISPUTED: 4200, FEES: 1500}
    assert (await world.payment(payment_id))["amount_disputed"] == 4200
    await tell(world, payment_id, notice("under_review", 2, moves=1), notice("won", 3, moves=2, fee=0))
    dispute = await only(world, payment_id)
    assert (dispute["status"], dispute["amount_withdrawn"], dispute["fee"]) == ("won", 0, 0)
    assert dispute["closed_at"][:19] == at(3)[:19]
    assert await world.balances(payment_id) == SOLD
    assert (await world.payment(payment_id))["amount_disputed"] == 0
    assert await statuses(world, payment_id) == ["needs_response", "under_review", "won"]
    kinds = [each["kind"] for each in (await world.call("payment_ledger_v1", payment_id=payment_id))["data"]]
    assert kinds == ["capture", "chargeback", "dispute_fee", "chargeback_reversed", "dispute_fee_reversed"]


async def test_an_inquiry_posts_nothing(world: World) -> None:
    payment_id = await world.paid()
    await tell(world, payment_id, notice("inquiry", 1, moves=0), notice("closed", 2, moves=0))
    assert await world.balances(payment_id) == SOLD
    assert await statuses(world, payment_id) == ["inquiry", "closed"]
    refund = await world.operation("refund", payment_id)
    assert refund["refund"]["amount"] == 4200


STORY = (
    notice("needs_response", 1, moves=1),
    notice("under_review", 2, moves=1),
    notice("won", 3, moves=2),
    notice("pre_arbitration", 4, moves=2),
    notice("lost", 5, moves=3),
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(STORY))))[::7], ids=str)
async def test_any_order_ends_the_same(world: World, order: tuple[int, ...]) -> None:
    """The latest status stands, every movement of the money is posted, whatever was told first."""
    payment_id = await world.paid()
    for n in order:
        same = {**STORY[n], "id": new_id("dsp")}
        await tell(world, payment_id, same, same)
    dispute = await only(world, payment_id)
    assert (dispute["status"], dispute["amount_withdrawn"], len(dispute["history"])) == ("lost", 4200, 2 * len(STORY))
    assert await world.balances(payment_id) == {OWED: -4200, DISPUTED: 4200}
    kinds = [each["kind"] for each in (await world.call("payment_ledger_v1", payment_id=payment_id))["data"]]
    assert kinds == ["capture", "chargeback", "chargeback_reversed", "chargeback"]
    assert (await statuses(world, payment_id))[-1] == "lost"


async def test_a_repeated_notification_is_known_by_its_id(world: World) -> None:
    payment_id = await world.paid()
    for expected in ((1, 0), (0, 1)):
        received = await tell(world, payment_id, notice("needs_response", 1, moves=1), event_id="evt_same")
        assert (received["stored"], received["duplicates"]) == expected
    assert len((await only(world, payment_id))["history"]) == 1


async def test_where_the_money_is_moves_it_once(world: World) -> None:
    """A PSP that does not count: only what is later and different moves anything."""
    payment_id = await world.paid()
    steps = [("needs_response", "withdrawn"), ("under_review", "withdrawn"), ("won", "returned"), ("won", "returned")]
    await tell(world, payment_id, *(notice(status, n, funds=funds) for n, (status, funds) in enumerate(steps)))
    assert await world.balances(payment_id) == SOLD
    await tell(world, payment_id, notice("needs_response", 0, funds="withdrawn"))
    assert await world.balances(payment_id) == SOLD
    assert (await only(world, payment_id))["history"][-1]["applied"] is False


async def test_money_that_moves_without_a_step_is_told(world: World) -> None:
    payment_id = await world.paid()
    await tell(world, payment_id, notice("needs_response", 1, moves=0), notice("needs_response", 2, moves=1))
    assert await statuses(world, payment_id) == ["needs_response", "needs_response"]
    assert await world.events(payment_id) == [
        "payment.created", "payment.captured", "dispute.opened", "dispute.updated",
    ]  # fmt: skip


async def test_what_was_lost_on_the_way_is_told_step_by_step(world: World) -> None:
    payment_id = await world.paid()
    await tell(world, payment_id, notice("pre_arbitration", 4, moves=2))
    assert await statuses(world, payment_id) == ["needs_response", "under_review", "pre_arbitration"]
    assert await world.balances(payment_id) == SOLD


async def test_an_unmatched_dispute_waits_for_its_payment(world: World) -> None:
    fields = {"provider_reference": "psp_late"}
    received = await tell(world, None, notice("needs_response", 1, moves=1), **fields)
    assert (received["stored"], received["payments"]) == (1, [])
    await tell(world, None, notice("lost", 2, moves=1), **fields)
    begun = await world.begin()
    await world.apply(begun["dispatch"], approved(reference="psp_late"))
    payment_id = begun["payment"]["id"]
    assert (await only(world, payment_id))["status"] == "lost"
    assert await statuses(world, payment_id) == ["needs_response", "lost"]
    assert await world.balances(payment_id) == {OWED: -4200, DISPUTED: 4200}


async def test_refunds_keep_away_from_what_is_disputed(world: World) -> None:
    payment_id = await world.paid()
    await tell(world, payment_id, notice("needs_response", 1, moves=1, amount=3000))
    for amount in (1201, 4200):
        with pytest.raises(Refused, match="amount_disputed"):
            await world.operation("refund", payment_id, amount=amount)
    with pytest.raises(Refused, match="amount_exceeds_captured"):
        await world.operation("refund", payment_id, amount=4201)
    rest = await world.operation("refund", payment_id)
    assert rest["refund"]["amount"] == 1200
    await world.apply(rest["dispatch"], approved(1200))
    with pytest.raises(Refused, match="amount_disputed"):
        await world.operation("refund", payment_id)
    await tell(world, payment_id, notice("won", 2, moves=2, amount=3000))
    assert (await world.operation("refund", payment_id))["refund"]["amount"] == 3000


async def test_two_disputes_of_one_payment_add_up(world: World) -> None:
    payment_id = await world.paid()
    await tell(world, payment_id, notice("needs_response", 1, moves=1, amount=1000))
    await tell(world, payment_id, notice("needs_response", 1, moves=1, amount=500, provider_reference="dp_2"))
    assert (await world.payment(payment_id))["amount_disputed"] == 1500
    assert (await world.balances(payment_id))[DISPUTED] == 1500
    by_status = await world.call("dispute_list_v1", status="needs_response", limit=1)
    assert (len(by_status["data"]), by_status["has_more"]) == (1, True)
    assert (await world.call("dispute_list_v1", status="won"))["data"] == []


@pytest.mark.parametrize("first", ["answer", "notice"])
async def test_what_the_merchant_gave_in_to_is_accepted(world: World, first: str) -> None:
    """Stripe calls it lost, and says so before or after its answer."""
    payment_id = await world.paid()
    await tell(world, payment_id, notice("needs_response", 1, moves=1))
    dispute = await only(world, payment_id)
    begun = await world.call("dispute_answer_begin_v1", dispute_id=dispute["id"], answer="accept", at=at(50))
    assert (begun["provider_reference"], begun["account"]["id"]) == ("dp_1", world.accounts["stripe"])
    end = {"dispute_id": dispute["id"], "answer": "accept", "result": "done", "at": at(51), "event_id": new_id("evt")}
    if first == "notice":
        await tell(world, payment_id, notice("lost", 2, moves=1))
    assert (await world.call("dispute_answer_end_v1", **end))["status"] == "accepted"
    if first == "answer":
        await tell(world, payment_id, notice("lost", 2, moves=1))
    assert (await only(world, payment_id))["status"] == "accepted"
    assert await statuses(world, payment_id) == ["needs_response", "accepted"]
    with pytest.raises(Conflict, match="dispute_not_open"):
        await world.call("dispute_answer_begin_v1", dispute_id=dispute["id"], answer="evidence", at=at(60))


async def test_a_refused_acceptance_leaves_no_intent(world: World) -> None:
    payment_id = await world.paid()
    await tell(world, payment_id, notice("needs_response", 1, moves=1))
    dispute = await only(world, payment_id)
    await world.call("dispute_answer_begin_v1", dispute_id=dispute["id"], answer="accept", at=at(50))
    end = {
        "dispute_id": dispute["id"],
        "answer": "accept",
        "result": "refused",
        "at": at(51),
        "event_id": new_id("evt"),
    }
    assert (await world.call("dispute_answer_end_v1", **end))["accept_requested_at"] is None
    sent = await world.call("dispute_answer_end_v1", **end | {"answer": "evidence", "result": "done"})
    assert (sent["status"], sent["evidence_sent_at"][:19]) == ("needs_response", at(51)[:19])
    await tell(world, payment_id, notice("lost", 2, moves=1))
    assert (await only(world, payment_id))["status"] == "lost"


async def test_other_tenants_have_no_such_dispute(world: World) -> None:
    payment_id = await world.paid()
    await tell(world, payment_id, notice("needs_response", 1))
    dispute = await only(world, payment_id)
    stranger = await new_merchant(world.database)
    for function, more in (
        ("dispute_get_v1", {}),
        ("dispute_answer_begin_v1", {"answer": "accept", "at": at()}),
        ("dispute_answer_end_v1", {"answer": "accept", "result": "done", "at": at()}),
    ):
        with pytest.raises(NotFound, match="dispute_not_found"):
            await stranger.call(function, dispute_id=dispute["id"], **more)
    assert (await stranger.call("dispute_list_v1"))["data"] == []


async def test_only_the_automatons_edges(world: World, database: Database) -> None:
    """Past every function: the trigger holds the rule, for beginnings too."""
    payment_id = await world.paid()
    await tell(world, payment_id, notice("inquiry", 1))
    dispute = await only(world, payment_id)
    with pytest.raises(Bug):
        await tell(world, payment_id, notice("escaped", 2, provider_reference="dp_9"))
    connection = await asyncpg.connect(database.superuser)
    for status in DISPUTE_TRANSITIONS:
        if status not in DISPUTE_TRANSITIONS["inquiry"] and status != "inquiry":
            with pytest.raises(asyncpg.PostgresError, match="forbidden_transition"):
                await connection.execute("update core.dispute set status = $1 where id = $2", status, dispute["id"])
    risky = await connection.fetch(
        "select s from unnest($1::text[]) as s where core.dispute_at_risk_v1(s)", list(DISPUTE_TRANSITIONS)
    )
    await connection.close()
    assert {row["s"] for row in risky} == AT_RISK
