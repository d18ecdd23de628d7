"""The balance, payouts and reports: every minor unit that was moved is in a balance transaction, once."""

import csv
import io
from typing import Any

import pytest
import stripe

from simulators.stripe.balance import dispute_fee, payment_fee
from tests.simulators.stripe.simulator import Shop

PAY: dict[str, Any] = {"amount": 4200, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
DAY = 86_400


@pytest.mark.parametrize(
    ("amount", "currency", "fee"),
    [(4200, "eur", 88), (100, "eur", 27), (33, "eur", 25), (34, "eur", 26), (10_000, "jpy", 150), (10_000, "kwd", 400)],
)
def test_fees(amount: int, currency: str, fee: int) -> None:
    assert payment_fee(amount, currency) == fee


def test_dispute_fees() -> None:
    assert [dispute_fee(currency) for currency in ("eur", "jpy", "bhd")] == [2000, 20, 20_000]


def money(shop: Shop) -> tuple[dict[str, int], dict[str, int]]:
    """The balance: available, pending."""
    balance = shop.api.balance.retrieve()
    return (
        {part.currency: part.amount for part in balance.available},
        {part.currency: part.amount for part in balance.pending},
    )


def booked(shop: Shop, **more: Any) -> list[tuple[str, int, int, int]]:
    """All balance transactions, oldest first: type, amount, fee, net."""
    found = shop.api.balance_transactions.list({"limit": 100, **more}).data
    return [(item.type, item.amount, item.fee, item.net) for item in reversed(found)]


def test_what_moves_money_is_booked(shop: Shop) -> None:
    assert money(shop) == ({"eur": 0}, {"eur": 0})
    paid = shop.api.payment_intents.create({**PAY, "expand": ["latest_charge.balance_transaction"]})
    own = paid.latest_charge.balance_transaction
    assert (own.amount, own.fee, own.net, own.status, own.available_on) == (
        4200, 88, 4112, "pending", own.created + 2 * DAY,
    )  # fmt: skip
    assert [(fee.amount, fee.type) for fee in own.fee_details] == [(88, "stripe_fee")]
    options = {"card": {"request_multicapture": "if_available"}}
    held = shop.api.payment_intents.create({**PAY, "capture_method": "manual", "payment_method_options": options})
    shop.api.payment_intents.capture(held.id, {"amount_to_capture": 1000, "final_capture": False})
    shop.api.payment_intents.capture(held.id, {"amount_to_capture": 500})
    refund = shop.api.refunds.create({"payment_intent": paid.id, "amount": 700, "expand": ["balance_transaction"]})
    assert (refund.balance_transaction.net, refund.balance_transaction.source) == (-700, refund.id)
    shop.fault({"operation": "refund"}, {"action": "decline", "code": "05"}, times=1)
    failed = shop.api.refunds.create({"payment_intent": paid.id, "expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_balance_transaction.amount) == ("failed", 3500)
    assert booked(shop) == [
        ("charge", 4200, 88, 4112), ("charge", 1000, 40, 960), ("charge", 500, 33, 467),
        ("refund", -700, 0, -700), ("refund", -3500, 0, -3500), ("refund_failure", 3500, 0, 3500),
    ]  # fmt: skip
    assert money(shop) == ({"eur": -700}, {"eur": 4112 + 960 + 467})
    assert booked(shop, source=paid.latest_charge.id) == [("charge", 4200, 88, 4112)]
    assert booked(shop, type="refund", currency="eur") == [("refund", -700, 0, -700), ("refund", -3500, 0, -3500)]
    shop.advance(2 * DAY + 1)
    assert money(shop) == ({"eur": 4112 + 960 + 467 - 700}, {"eur": 0})
    assert shop.api.balance_transactions.retrieve(own.id).status == "available"


def test_a_payout_by_hand(shop: Shop) -> None:
    shop.api.payment_intents.create(PAY)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.payouts.create({"amount": 1000, "currency": "eur"})
    assert refused.value.code == "balance_insufficient"
    shop.advance(2 * DAY + 1)
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.payouts.create({"amount": 4113, "currency": "eur"})
    payout = shop.api.payouts.create({"amount": 4112, "currency": "eur", "statement_descriptor": "SHOP"})
    assert (payout.status, payout.automatic, payout.reconciliation_status) == ("pending", False, "not_applicable")
    assert (payout.arrival_date, money(shop)[0]) == (payout.created + DAY, {"eur": 0})
    shop.advance(DAY + 1)
    payout = shop.api.payouts.retrieve(payout.id)
    assert (payout.status, shop.api.payouts.list({"status": "paid"}).data[0].id) == ("paid", payout.id)
    shop.control("POST", "/settle", {"object": payout.id, "action": "fail_payout", "data": {"code": "no_account"}})
    payout = shop.api.payouts.retrieve(payout.id)
    assert (payout.status, payout.failure_code, money(shop)[0]) == ("failed", "no_account", {"eur": 4112})
    again = shop.api.payouts.create({"amount": 12, "currency": "eur"})
    assert shop.api.payouts.cancel(again.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="cannot be canceled"):
        shop.api.payouts.cancel(again.id)
    assert [kind for kind, *_ in booked(shop)] == ["charge", "payout", "payout_failure", "payout", "payout_cancel"]
    told = shop.api.events.list({"type": "payout.*"}).data[::-1]
    assert [event.type for event in told] == [
        "payout.created", "payout.paid", "payout.failed", "payout.created", "payout.canceled",
    ]  # fmt: skip


def test_automatic_payouts_reconcile(shop: Shop) -> None:
    """Each payout is the sum of what it lists, and no balance transaction is in two payouts or lost."""
    shop.control("PUT", "/lifecycle", {"payout_schedule": {"after": DAY}})
    for amount, currency in ((4200, "eur"), (1000, "usd")):
        shop.api.payment_intents.create({**PAY, "amount": amount, "currency": currency})
    shop.advance(DAY + 60)
    intent = shop.api.payment_intents.create({**PAY, "amount": 9900})
    shop.api.refunds.create({"payment_intent": intent.id, "amount": 300})
    assert shop.api.payouts.list().data == []
    shop.advance(6 * DAY)
    seen: set[str] = set()
    payouts = shop.api.payouts.list({"limit": 100}).data
    assert [(one.amount, one.currency) for one in payouts] == [
        (9900 - 174 - 0, "eur"), (1000 - 40, "usd"), (4200 - 88 - 300, "eur"),
    ]  # fmt: skip
    for payout in payouts:
        items = shop.api.balance_transactions.list({"payout": payout.id, "limit": 100}).data
        assert {one.id for one in items}.isdisjoint(seen)
        seen |= {one.id for one in items}
        assert sum(one.net for one in items if one.type != "payout") == payout.amount
        assert sum(one.net for one in items) == 0
    assert (payouts[0].automatic, payouts[0].reconciliation_status) == (True, "completed")
    assert seen == {one.id for one in shop.api.balance_transactions.list({"limit": 100}).data}
    assert money(shop) == ({"eur": 0, "usd": 0}, {"eur": 0, "usd": 0})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.balance_transactions.list({"payout": "po_none"})
    assert refused.value.code == "resource_missing"


def rows(shop: Shop, kind: str, **parameters: Any) -> list[dict[str, str]]:
    """Run a report and read its file."""
    run = shop.api.reporting.report_runs.create({"report_type": kind, "parameters": parameters})
    assert (run.status, run.result) == ("pending", None)
    run = shop.api.reporting.report_runs.retrieve(run.id)
    assert run.status == "succeeded"
    path = run.result.url.removeprefix(shop.url)
    assert shop.http("GET", path, authorization="Bearer sk_test_other").status_code == 401
    got = shop.http("GET", path)
    assert (got.status_code, len(got.content)) == (200, run.result.size)
    return list(csv.DictReader(io.StringIO(got.text)))


def test_reports(shop: Shop) -> None:
    now = int(shop.control("GET", "/clock")["now_s"])
    intent = shop.api.payment_intents.create(PAY)
    shop.api.refunds.create({"payment_intent": intent.id, "amount": 1200})
    shop.advance(3 * DAY)
    shop.control("POST", "/settle", {"object": "payout_schedule", "action": "pay_out"})
    (payout,) = shop.api.payouts.list().data
    interval = {"interval_start": now - 1, "interval_end": now + 4 * DAY}
    activity = rows(shop, "balance_change_from_activity.itemized.3", **interval)
    assert [(row["reporting_category"], row["gross"], row["fee"], row["net"]) for row in activity] == [
        ("charge", "42.00", "0.88", "41.12"), ("refund", "-12.00", "0.00", "-12.00"),
    ]  # fmt: skip
    assert {row["charge_id"] for row in activity} == {intent.latest_charge}
    paid = rows(shop, "payout_reconciliation.itemized.5", payout=payout.id)
    assert {row["automatic_payout_id"] for row in paid} == {payout.id}
    assert [row["balance_transaction_id"] for row in paid] == [row["balance_transaction_id"] for row in activity]
    assert [row["net"] for row in rows(shop, "payouts.itemized.3", **interval)] == ["-29.12"]
    summary = rows(shop, "balance.summary.1", **interval)
    assert [(row["category"], row["net_amount"]) for row in summary] == [
        ("starting_balance", "0.00"), ("activity", "29.12"), ("payouts", "-29.12"), ("ending_balance", "0.00"),
    ]  # fmt: skip
    few = rows(shop, "balance_change_from_activity.itemized.3", **interval, columns=["net"], currency="usd")
    assert few == []
    assert shop.api.events.list({"type": "reporting.*"}).data[0].type == "reporting.report_run.succeeded"


@pytest.mark.parametrize(
    ("kind", "parameters", "param"),
    [
        ("balance.summary.2", {}, "report_type"),
        ("balance.summary.1", {"interval_end": 2}, "parameters[interval_start]"),
        ("balance.summary.1", {"interval_start": 2, "interval_end": 2}, "parameters[interval_start]"),
        ("balance.summary.1", {"interval_start": 1, "interval_end": 2, "columns": ["pin"]}, "parameters[columns]"),
        ("balance.summary.1", {"interval_start": 1, "interval_end": 2, "mood": "x"}, "parameters[mood]"),
    ],
)
def test_reports_check_their_parameters(shop: Shop, kind: str, parameters: dict[str, Any], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.reporting.report_runs.create({"report_type": kind, "parameters": parameters})
    assert refused.value.param == param
