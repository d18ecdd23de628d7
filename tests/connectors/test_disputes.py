"""What each PSP's notices say of a dispute, word by word; what lacks something says nothing; the merchant's answers."""

import copy
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.connectors.adyen import disputes as adyen
from gateway.connectors.checkout import disputes as checkout
from gateway.connectors.dummypay import disputes as dummypay
from gateway.connectors.http import Answer, HttpClient
from gateway.connectors.registry import discover
from gateway.connectors.stripe import disputes as stripe
from gateway.domain.card import Secret
from gateway.domain.dispute import DisputeReason, reason_of
from gateway.domain.outcome import NotSent, Unknown
from gateway.use_cases.ports import AnswersDisputes, DisputeCall, ProviderAccount, WebhookFact
from tests.connectors.signing import NOW_S, SECRET, SIGNERS, signed_account

Json = dict[str, Any]
STAMP = 1_700_000_000
AT = datetime.fromtimestamp(STAMP, UTC)


def stamped(header: str, event: Json) -> tuple[dict[str, str], bytes]:
    """The scheme of Stripe, which Dummypay shares: hexadecimal HMAC over `time.body`."""
    body = json.dumps(event).encode()
    mac = hmac.new(SECRET.encode(), f"{int(NOW_S)}.".encode() + body, hashlib.sha256).hexdigest()
    return {header: f"t={int(NOW_S)},v1={mac}"}, body


def told(slug: str, event: Json) -> WebhookFact:
    """The one fact of a signed notification."""
    header = {"stripe": "stripe-signature", "dummypay": "dummypay-signature"}.get(slug)
    headers, body = stamped(header, event) if header else SIGNERS[slug](event)
    [fact] = discover(HttpClient()).get(slug).verify_webhook(headers, body, signed_account(), NOW_S)
    return fact


STRIPE: Json = {
    "id": "evt_1",
    "type": "charge.dispute.created",
    "created": STAMP,
    "data": {
        "object": {
            "id": "du_1",
            "object": "dispute",
            "amount": 4200,
            "currency": "eur",
            "charge": "ch_1",
            "payment_intent": "pi_1",
            "status": "needs_response",
            "reason": "fraudulent",
            "balance_transactions": [{"amount": -4200, "fee": 2000, "currency": "eur"}],
            "evidence_details": {"due_by": STAMP + 60},
            "payment_method_details": {"card": {"network_reason_code": "10.4"}},
        }
    },
}
ADYEN: Json = {
    "live": "false",
    "notificationItems": [
        {
            "NotificationRequestItem": {
                "eventCode": "CHARGEBACK",
                "success": "true",
                "eventDate": "2023-11-14T23:13:20+01:00",
                "pspReference": "DSP1",
                "originalReference": "PSP1",
                "merchantReference": "att_1",
                "merchantAccountCode": "Shop",
                "amount": {"currency": "EUR", "value": 4200},
                "additionalData": {
                    "chargebackReasonCode": " 4853",
                    "defensePeriodEndsAt": "2023-11-14T23:14:20+01:00",
                },
            }
        }
    ],
}
CHECKOUT: Json = {
    "id": "evt_1",
    "type": "dispute_received",
    "data": {
        "id": "dsp_1",
        "date": "2023-11-14T22:13:20Z",
        "category": "fraudulent",
        "amount": 4200,
        "currency": "EUR",
        "reason_code": "10.4",
        "evidence_required_by": "2023-11-14T22:14:20Z",
        "payment_id": "pay_1",
        "payment_reference": "att_1",
    },
}
DUMMYPAY: Json = {
    "id": "evt_1",
    "type": "dispute.needs_response",
    "data": {
        "object": {
            "id": "dp_1",
            "status": "needs_response",
            "charge": "ch_1",
            "amount": 4200,
            "currency": "EUR",
            "reason": "not_received",
            "network_code": "13.1",
            "moves": 1,
            "respond_by": STAMP + 60,
            "updated": STAMP,
            "reference": "att_1",
        }
    },
}
ITEM = ADYEN["notificationItems"][0]["NotificationRequestItem"]


@pytest.mark.parametrize(
    ("slug", "event", "about", "ours", "reference", "reason", "fee"),
    [
        ("stripe", STRIPE, "pi_1", None, "du_1", DisputeReason.FRAUD, 2000),
        ("adyen", ADYEN, "PSP1", "att_1", "DSP1", DisputeReason.NOT_AS_DESCRIBED, None),
        ("checkout", CHECKOUT, "pay_1", "att_1", "dsp_1", DisputeReason.FRAUD, None),
        ("dummypay", DUMMYPAY, "ch_1", "att_1", "dp_1", DisputeReason.NOT_RECEIVED, None),
    ],
    ids=["stripe", "adyen", "checkout", "dummypay"],
)
def test_a_chargeback_in_each_psps_words(
    slug: str, event: Json, about: str, ours: str | None, reference: str, reason: DisputeReason, fee: int | None
) -> None:
    fact = told(slug, copy.deepcopy(event))
    assert (fact.operation_id, fact.provider_reference, fact.outcome) == (ours, about, None)
    dispute = fact.dispute
    assert dispute is not None
    assert (dispute.provider_reference, dispute.status, dispute.moves) == (reference, "needs_response", 1)
    assert (dispute.amount, dispute.currency, dispute.reason, dispute.fee) == (4200, "EUR", reason, fee)
    assert (dispute.at, dispute.evidence_due_at) == (AT, datetime.fromtimestamp(STAMP + 60, UTC))


@pytest.mark.parametrize(("word", "status"), stripe.STATUSES.items())
def test_stripes_statuses(word: str, status: str) -> None:
    event = copy.deepcopy(STRIPE)
    value = event["data"]["object"]
    value |= {"status": word, "balance_transactions": []}
    dispute = told("stripe", event).dispute
    assert dispute is not None
    assert (dispute.status, dispute.moves, dispute.fee) == (status, 0, 0)


def test_stripes_money_is_counted_and_its_fee_is_what_it_kept() -> None:
    event = copy.deepcopy(STRIPE)
    value = event["data"]["object"]
    value["balance_transactions"].append({"amount": 4200, "fee": -2000, "currency": "eur"})
    back = told("stripe", event).dispute
    assert back is not None
    assert (back.moves, back.fee) == (2, 0)
    value["balance_transactions"][0]["currency"] = "usd"  # settled in another currency: not this payment's books
    other = told("stripe", event).dispute
    assert other is not None
    assert (other.moves, other.fee) == (2, None)
    for reason, expected in stripe.REASONS.items():
        value["reason"] = reason
        found = told("stripe", event).dispute
        assert found is not None
        assert found.reason == expected
    value["reason"] = "general"
    general = told("stripe", event).dispute
    assert general is not None
    assert general.reason == DisputeReason.FRAUD  # by the network's code


@pytest.mark.parametrize(("code", "said"), adyen.EVENTS.items())
def test_adyens_events(code: str, said: adyen.Said) -> None:
    event = copy.deepcopy(ADYEN)
    event["notificationItems"][0]["NotificationRequestItem"]["eventCode"] = code
    fact = told("adyen", event)
    assert fact.event_id == f"{code}:DSP1:true:{ITEM['eventDate']}"
    assert fact.dispute is not None
    assert (fact.dispute.status, fact.dispute.moves, fact.dispute.funds) == said
    event["notificationItems"][0]["NotificationRequestItem"]["success"] = "false"
    assert told("adyen", event).dispute is None


def test_adyens_defence_period_may_end_well() -> None:
    event = copy.deepcopy(ADYEN)
    item = event["notificationItems"][0]["NotificationRequestItem"]
    item |= {"eventCode": "DISPUTE_DEFENSE_PERIOD_ENDED", "additionalData": {"disputeStatus": "Won"}}
    ended = told("adyen", event).dispute
    assert ended is not None
    assert (ended.status, ended.reason, ended.network_code) == ("won", DisputeReason.OTHER, None)


@pytest.mark.parametrize(("kind", "said"), checkout.EVENTS.items())
def test_checkouts_events(kind: str, said: checkout.Said) -> None:
    dispute = told("checkout", {**copy.deepcopy(CHECKOUT), "type": kind}).dispute
    assert dispute is not None
    assert (dispute.status, dispute.moves, dispute.funds) == (*said, None)


@pytest.mark.parametrize("status", dummypay.STATUSES)
def test_dummypays_statuses(status: str) -> None:
    event = copy.deepcopy(DUMMYPAY)
    event["data"]["object"]["status"] = status
    dispute = told("dummypay", event).dispute
    assert dispute is not None
    assert dispute.status == status


@pytest.mark.parametrize(
    ("slug", "event", "path", "values"),
    [
        ("stripe", STRIPE, ("data", "object"), {"status": "of_next_year", "amount": 0, "currency": None}),
        ("checkout", CHECKOUT, ("data",), {"amount": -1, "date": "soon", "currency": None}),
        ("dummypay", DUMMYPAY, ("data", "object"), {"status": "odd", "updated": None, "amount": 0}),
        (
            "adyen",
            ADYEN,
            ("notificationItems", 0, "NotificationRequestItem"),
            {"eventDate": "soon", "amount": {"currency": "EUR", "value": 0}},
        ),
    ],
    ids=["stripe", "checkout", "dummypay", "adyen"],
)
def test_what_says_nothing_is_kept_without_a_dispute(
    slug: str, event: Json, path: tuple[str | int, ...], values: Json
) -> None:
    for name, value in values.items():
        changed = copy.deepcopy(event)
        place: Any = changed
        for step in path:
            place = place[step]
        place[name] = value
        fact = told(slug, changed)
        assert (fact.dispute, fact.provider_reference is not None) == (None, True), name


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("10.4", "fraud"), ("4837", "fraud"), ("11.3", "authorization"), ("12.5", "processing_error"),
        ("12.6.1", "duplicate"), ("13.1", "not_received"), ("13.2", "subscription_canceled"),
        ("13.3", "not_as_described"), (" 4853", "not_as_described"), ("13.7", "credit_not_processed"),
        ("F29", "fraud"), ("99", "other"), ("", "other"), (None, "other"),
    ],
)  # fmt: skip
def test_the_schemes_codes(code: str | None, reason: str) -> None:
    assert reason_of(code) == reason


# -- the merchant's answers
class Line:
    """An HTTP client that answers from a list and remembers what was sent."""

    def __init__(self, *answers: Answer | NotSent | Unknown) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, str, bytes]] = []

    async def send(self, method: str, url: str, headers: Json, body: bytes = b"", **_: Any) -> Any:
        assert headers["Authorization"] == "Bearer sk_1"
        self.sent.append((method, url.removeprefix("https://psp.example"), body))
        return self.answers.pop(0)


async def answered(slug: str, line: Line, answer: Any, text: str | None = None) -> str:
    account = ProviderAccount("pa_1", slug, "https://psp.example", {"api_key": Secret("sk_1")})
    http: Any = line
    connector = discover(http).get(slug)
    assert isinstance(connector, AnswersDisputes)
    return await connector.answer_dispute(DisputeCall(account, "dp/1", answer, "ans_1", 1.0, text))


@pytest.mark.parametrize(
    ("slug", "accept", "evidence"),
    [
        (
            "stripe",
            [("POST", "/v1/disputes/dp%2F1/close", b"")],
            [("POST", "/v1/disputes/dp%2F1", b"evidence%5Buncategorized_text%5D=Sent.&submit=true")],
        ),
        (
            "checkout",
            [("POST", "/disputes/dp%2F1/accept", b"")],
            [
                ("PUT", "/disputes/dp%2F1/evidence", b'{"additional_evidence_text":"Sent."}'),
                ("POST", "/disputes/dp%2F1/evidence", b""),
            ],
        ),
        (
            "dummypay",
            [("POST", "/v1/disputes/dp%2F1/accept", b"{}")],
            [("POST", "/v1/disputes/dp%2F1/evidence", b'{"text":"Sent."}')],
        ),
    ],
    ids=["stripe", "checkout", "dummypay"],
)
async def test_what_is_sent(slug: str, accept: list[Any], evidence: list[Any]) -> None:
    for answer, wanted in (("accept", accept), ("evidence", evidence)):
        line = Line(*(Answer(204 if slug == "checkout" else 200, {}, b"") for _ in wanted))
        assert await answered(slug, line, answer, "Sent." if answer == "evidence" else None) == "done"
        assert line.sent == wanted
        for said in (NotSent("refused"), Unknown("timeout"), Answer(500, {}, b""), Answer(429, {}, b"")):
            assert await answered(slug, Line(said), answer, "Sent.") == "unknown"
        assert await answered(slug, Line(Answer(403, {}, b"")), answer, "Sent.") == "refused"


async def test_a_key_that_is_in_use_proves_nothing() -> None:
    for kind, result in (("key_in_use", "unknown"), ("wrong_state", "refused")):
        body = json.dumps({"error": {"type": kind}}).encode()
        assert await answered("dummypay", Line(Answer(409, {}, body)), "accept") == result
