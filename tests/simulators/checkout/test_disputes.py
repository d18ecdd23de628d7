"""Disputes by the official SDK: the money goes at once, and comes back if the bank gives in."""

from typing import Any

import pytest
from checkout_sdk.disputes.disputes import DisputeEvidenceRequest, DisputesQueryFilter
from checkout_sdk.exception import CheckoutApiException

from simulators.kit.testing import Refused
from tests.simulators.checkout.simulator import Shop


def _disputed(shop: Shop, **more: Any) -> Any:
    paid = shop.paid(reference="att_1", metadata={"payera_payment": "pay_1"}, **more)
    shop.settle(paid.id, "dispute")
    query = DisputesQueryFilter()
    query.payment_id = paid.id
    [found] = shop.api.disputes.query(query).data
    return found


def _evidence() -> DisputeEvidenceRequest:
    request = DisputeEvidenceRequest()
    request.proof_of_delivery_or_service_text = "Delivered on the third."
    return request


def test_a_dispute_takes_the_money(shop: Shop) -> None:
    found = _disputed(shop)
    assert (found.status, found.amount, found.currency, found.reason_code) == ("evidence_required", 4200, "EUR", "10.4")
    details = shop.api.disputes.get_dispute_details(found.id)
    assert (details.payment.id, details.payment.method, details.category) == (found.payment_id, "Visa", "fraudulent")
    [_, entry] = shop.entries()
    assert (entry["kind"], entry["amount"], entry["object"], entry["parent"], entry["payment"]) == (
        "chargeback",
        4200,
        found.id,
        found.payment_id,
        "pay_1",
    )
    event = shop.events()[-1]
    assert [one["type"] for one in shop.events()[2:]] == ["dispute_received", "dispute_evidence_required"]
    assert (event["data"]["payment_reference"], event["data"]["evidence_required_by"][:2]) == ("att_1", "20")
    assert event["_links"]["payment"]["href"].endswith(found.payment_id)


@pytest.mark.parametrize(
    ("action", "status", "event", "back"),
    [
        ("win_dispute", "won", "dispute_won", True),
        ("lose_dispute", "lost", "dispute_lost", False),
        ("cancel_dispute", "canceled", "dispute_canceled", True),
        ("expire_dispute", "expired", "dispute_expired", False),
    ],
)
def test_how_it_ends(shop: Shop, action: str, status: str, event: str, back: bool) -> None:
    found = _disputed(shop)
    with pytest.raises(CheckoutApiException):
        shop.api.disputes.submit_evidence(found.id)
    assert shop.api.disputes.put_evidence(found.id, _evidence()).http_metadata.status_code == 204
    assert shop.api.disputes.get_evidence(found.id).proof_of_delivery_or_service_text == "Delivered on the third."
    shop.api.disputes.submit_evidence(found.id)
    assert shop.api.disputes.get_dispute_details(found.id).status == "evidence_under_review"
    shop.settle(found.id, action)
    assert shop.api.disputes.get_dispute_details(found.id).status == status
    assert [one["type"] for one in shop.events()[-2:]] == ["dispute_evidence_submitted", event]
    wanted = ["charge", "chargeback"] + ["chargeback_reversed"] * back
    assert [kind for kind, _, _ in shop.journal()] == wanted
    with pytest.raises(Refused, match="no open dispute"):
        shop.settle(found.id, action)


def test_arbitration(shop: Shop) -> None:
    """By hand from first to last, by the payment's id; the money comes back at the very end."""
    for last, status, back in (("win_arbitration", "arbitration_won", 1), ("lose_arbitration", "arbitration_lost", 0)):
        found = _disputed(shop)
        for action in ("review_dispute", "lose_dispute", "arbitrate_dispute"):
            shop.settle(found.payment_id, action)
        assert shop.api.disputes.get_dispute_details(found.id).status == "arbitration_under_review"
        shop.settle(found.payment_id, last)
        assert shop.api.disputes.get_dispute_details(found.id).status == status
        kinds = [entry["kind"] for entry in shop.entries() if entry["parent"] == found.payment_id]
        assert kinds == ["chargeback"] + ["chargeback_reversed"] * back
        with pytest.raises(Refused, match="no such dispute"):
            shop.settle(found.payment_id, last)
    told = [event["type"] for event in shop.events() if "arbitration" in event["type"]]
    assert told == [
        "dispute_arbitration_sent_to_scheme", "dispute_arbitration_won",
        "dispute_arbitration_sent_to_scheme", "dispute_arbitration_lost",
    ]  # fmt: skip


def test_resolved_by_itself(shop: Shop) -> None:
    found = _disputed(shop)
    shop.settle(found.id, "resolve_dispute")
    assert shop.api.disputes.get_dispute_details(found.id).status == "resolved"
    assert shop.events()[-1]["type"] == "dispute_resolved"
    assert [kind for kind, _, _ in shop.journal()] == ["charge", "chargeback", "chargeback_reversed"]


def test_accepted(shop: Shop) -> None:
    found = _disputed(shop)
    assert shop.api.disputes.accept(found.id).http_metadata.status_code == 204
    assert shop.events()[-1]["type"] == "dispute_accepted"
    for again in (
        lambda: shop.api.disputes.accept(found.id),
        lambda: shop.api.disputes.put_evidence(found.id, _evidence()),
    ):
        with pytest.raises(CheckoutApiException) as refused:
            again()
        assert refused.value.http_metadata.status_code == 403


def test_what_cannot_be_disputed(shop: Shop) -> None:
    held, paid = shop.held(), _disputed(shop).payment_id
    for payment in (held.id, paid, "pay_none"):
        with pytest.raises(Refused):
            shop.settle(payment, "dispute")
    for path in ("", "/evidence"):
        assert shop.http("GET", f"/disputes/dsp_none{path}").status_code == 404
    refused = shop.http("PUT", f"/disputes/{shop.http('GET', '/disputes').json()['data'][0]['id']}/evidence", {})
    assert (refused.status_code, refused.content) == (422, b"")


def test_lists_choose(shop: Shop) -> None:
    first, second = _disputed(shop), _disputed(shop)
    shop.settle(first.id, "lose_dispute")
    for query, ids in (
        ("?statuses=lost,won", [first.id]),
        ("?payment_reference=att_1", [second.id, first.id]),
        ("?payment_reference=att_1&limit=1&skip=1", [first.id]),
        ("?payment_id=pay_none", []),
    ):
        assert [one["id"] for one in shop.http("GET", f"/disputes{query}").json()["data"]] == ids
