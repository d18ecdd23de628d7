"""Disputes and fraud warnings: where the money is at each step, which events tell it, what evidence decides."""

from typing import Any

import pytest
import stripe

from simulators.stripe.disputes import PROSE
from tests.simulators.stripe.simulator import Shop

PAY: dict[str, Any] = {"amount": 4200, "currency": "eur", "confirm": True}
TAKEN = [("charge", 4200, "EUR"), ("chargeback", 4200, "EUR")]


def disputed(shop: Shop, token: str = "pm_card_createDispute") -> Any:
    """A payment with that card, and its dispute."""
    intent = shop.api.payment_intents.create({**PAY, "payment_method": token})
    (dispute,) = shop.api.disputes.list({"payment_intent": intent.id}).data
    assert dispute.charge == intent.latest_charge
    return dispute


def events(shop: Shop) -> list[str]:
    """Types of the dispute events, oldest first."""
    listed = shop.api.events.list({"limit": 100, "type": "charge.dispute.*"}).data
    return [event.type.removeprefix("charge.dispute.") for event in listed][::-1]


def net(shop: Shop) -> int:
    """What is in the balance, available or not, in minor units of EUR."""
    balance = shop.api.balance.retrieve()
    return sum(part.amount for part in [*balance.available, *balance.pending])


def test_a_dispute_takes_amount_and_fee(shop: Shop) -> None:
    dispute = disputed(shop)
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 4200)
    assert dispute.payment_method_details.card.network_reason_code == "10.4"
    assert dispute.evidence_details.due_by == dispute.created + 9 * 86_400
    (booked,) = dispute.balance_transactions
    assert (booked.amount, booked.fee, booked.net, booked.reporting_category) == (-4200, 2000, -6200, "dispute")
    assert net(shop) == 4200 - 88 - 6200
    assert shop.journal() == TAKEN
    entry = shop.entries()[1]
    assert (entry["object"], entry["parent"]) == (dispute.id, dispute.payment_intent)
    assert events(shop) == ["created", "funds_withdrawn"]
    charge = shop.api.charges.retrieve(dispute.charge)
    assert (charge.disputed, charge.amount_refunded) == (True, 0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.refunds.create({"charge": dispute.charge})
    assert refused.value.code == "charge_disputed"
    assert shop.journal() == TAKEN


@pytest.mark.parametrize(
    ("text", "status", "back", "more"),
    [
        ("winning_evidence", "won", [("chargeback_reversed", 4200, "EUR")], ["closed", "funds_reinstated"]),
        ("losing_evidence", "lost", [], ["closed"]),
        ("here is a letter", "under_review", [], []),
    ],
)
def test_evidence_decides(shop: Shop, text: str, status: str, back: list[Any], more: list[str]) -> None:
    before = net(shop)
    dispute = disputed(shop)
    staged = shop.api.disputes.update(
        dispute.id, {"evidence": {"customer_name": "Ann", "receipt": "file"}, "submit": False}
    )
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    assert staged.evidence_details.submission_count == 0
    after = shop.api.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text, "receipt": ""}})
    assert (after.status, after.evidence_details.submission_count) == (status, 1)
    assert (after.evidence.customer_name, after.evidence.receipt) == ("Ann", None)
    assert shop.journal() == [*TAKEN, *back]
    assert events(shop) == ["created", "funds_withdrawn", "updated", "updated", *more]
    assert net(shop) - before == (4200 - 88 if status == "won" else 4200 - 88 - 6200)
    with pytest.raises(stripe.InvalidRequestError, match="takes no evidence"):
        shop.api.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "more"}})
    assert shop.api.disputes.update(dispute.id, {"metadata": {"a": "b"}}).metadata.to_dict() == {"a": "b"}


def test_review_ends_by_hand(shop: Shop) -> None:
    dispute = disputed(shop)
    shop.api.disputes.update(dispute.id, {"submit": True})
    shop.control("POST", "/settle", {"object": dispute.id, "action": "win_dispute"})
    assert shop.api.disputes.retrieve(dispute.id).status == "won"
    with pytest.raises(Exception, match="is won; this needs"):
        shop.control("POST", "/settle", {"object": dispute.id, "action": "lose_dispute"})


def test_accepting_and_not_answering_lose_it(shop: Shop) -> None:
    accepted = disputed(shop)
    assert shop.api.disputes.close(accepted.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="cannot be closed"):
        shop.api.disputes.close(accepted.id)
    forgotten = disputed(shop, "pm_card_createDisputeProductNotReceived")
    assert forgotten.reason == "product_not_received"
    shop.advance(9 * 86_400 - 60)
    assert shop.api.disputes.retrieve(forgotten.id).status == "needs_response"
    shop.advance(120)
    forgotten = shop.api.disputes.retrieve(forgotten.id)
    assert (forgotten.status, forgotten.evidence_details.past_due) == ("lost", True)
    assert shop.journal() == TAKEN * 2


def test_an_inquiry_moves_no_money_until_it_escalates(shop: Shop) -> None:
    inquiry = disputed(shop, "pm_card_createDisputeInquiry")
    assert (inquiry.status, inquiry.is_charge_refundable) == ("warning_needs_response", True)
    assert (inquiry.balance_transactions, shop.journal()) == ([], TAKEN[:1])
    text = {"evidence": {"uncategorized_text": "escalate_inquiry_evidence"}}
    escalated = shop.api.disputes.update(inquiry.id, text)
    assert (escalated.status, escalated.is_charge_refundable) == ("needs_response", False)
    assert escalated.payment_method_details.card.case_type == "chargeback"
    assert shop.journal() == TAKEN
    assert events(shop) == ["created", "updated", "updated", "funds_withdrawn"]
    other = disputed(shop, "pm_card_createDisputeInquiry")
    shop.advance(121 * 86_400)
    assert shop.api.disputes.retrieve(other.id).status == "warning_closed"
    assert shop.journal() == [*TAKEN, TAKEN[0]]


def test_the_control_plane_disputes_any_payment(shop: Shop) -> None:
    intent = shop.api.payment_intents.create({**PAY, "payment_method": "pm_card_visa"})
    wanted = {"reason": "duplicate", "amount": 1200}
    shop.control("POST", "/settle", {"object": intent.id, "action": "dispute", "data": wanted})
    (dispute,) = shop.api.disputes.list().data
    assert (dispute.amount, dispute.reason, dispute.charge) == (1200, "duplicate", intent.latest_charge)
    with pytest.raises(Exception, match="is disputed already"):
        shop.control("POST", "/settle", {"object": intent.latest_charge, "action": "dispute"})
    held = shop.api.payment_intents.create({**PAY, "payment_method": "pm_card_visa", "capture_method": "manual"})
    with pytest.raises(Exception, match="there is no captured charge"):
        shop.control("POST", "/settle", {"object": held.id, "action": "dispute"})
    shop.api.payment_intents.capture(held.id)
    for data, said in (({"reason": "boredom"}, "reason: one of"), ({"amount": 4201}, "amount: minor units, 1 to 4200")):
        with pytest.raises(Exception, match=said):
            shop.control("POST", "/settle", {"object": held.id, "action": "dispute", "data": data})


def test_a_dispute_may_come_later(shop: Shop) -> None:
    shop.control("PUT", "/lifecycle", {"dispute": {"after": 3600}})
    intent = shop.api.payment_intents.create({**PAY, "payment_method": "pm_card_createDispute"})
    assert shop.api.disputes.list({"payment_intent": intent.id}).data == []
    shop.advance(3601)
    assert shop.api.disputes.list({"charge": intent.latest_charge}).data[0].reason == "fraudulent"


def test_early_fraud_warning(shop: Shop) -> None:
    intent = shop.api.payment_intents.create({**PAY, "payment_method": "pm_card_createIssuerFraudRecord"})
    (warning,) = shop.api.radar.early_fraud_warnings.list({"payment_intent": intent.id}).data
    assert (warning.charge, warning.actionable) == (intent.latest_charge, True)
    assert shop.api.radar.early_fraud_warnings.retrieve(warning.id).fraud_type == "misc"
    assert shop.api.events.list().data[0].type == "radar.early_fraud_warning.created"


def test_evidence_is_checked(shop: Shop) -> None:
    dispute = disputed(shop)
    for params, param in (
        ({"evidence": {"alibi": "x"}}, "evidence[alibi]"),
        ({"evidence": {"receipt": "x" * 5001}}, "evidence[receipt]"),
        ({"submit": "maybe"}, "submit"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            shop.api.disputes.update(dispute.id, params)
        assert refused.value.param == param
    assert len(PROSE) * 20_000 > 150_000
    *most, last = sorted(PROSE)
    shop.api.disputes.update(dispute.id, {"evidence": dict.fromkeys(most, "x" * 20_000), "submit": False})
    more = {last: "x" * 20_000}
    with pytest.raises(stripe.InvalidRequestError, match="at most 150000 characters"):
        shop.api.disputes.update(dispute.id, {"evidence": more})
    assert shop.api.disputes.retrieve(dispute.id).status == "needs_response"


def test_by_hand_a_dispute_is_known_by_its_intent(shop: Shop) -> None:
    """What a scenario knows is the payment; the evidence may be given in the Dashboard."""
    for actions, status in (
        (("inquire", "review_dispute", "escalate_dispute", "review_dispute", "win_dispute"), "won"),
        (("dispute", "lose_dispute"), "lost"),
        (("inquire", "win_dispute"), "warning_closed"),
    ):
        intent = shop.api.payment_intents.create({**PAY, "payment_method": "pm_card_visa"})
        for action in actions:
            about = intent.latest_charge if action == "review_dispute" else intent.id
            shop.control("POST", "/settle", {"object": about, "action": action})
        (dispute,) = shop.api.disputes.list({"payment_intent": intent.id}).data
        assert dispute.status == status
