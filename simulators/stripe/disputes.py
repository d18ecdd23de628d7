"""Disputes: a shopper's bank takes a payment back, or asks about it; the merchant answers with evidence.

They begin with the published dispute cards or by hand (`settle` with `dispute`). An inquiry (`warning_…`) moves no
money. What the bank decides is told by the evidence, with the published words: `winning_evidence`, `losing_evidence`,
`escalate_inquiry_evidence` in `uncategorized_text`; other evidence waits for `settle`.
"""

from simulators.stripe import balance, lists
from simulators.stripe.call import Call
from simulators.stripe.errors import invalid
from simulators.stripe.objects import Json
from simulators.stripe.params import merge_metadata

TEXTS = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier",
    "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file",
    "uncategorized_text",
)  # fmt: skip
"""Fields of evidence. Those that are files at the real PSP take any text here: there are no uploads."""
PROSE = frozenset([
    "access_activity_log", "cancellation_policy_disclosure", "cancellation_rebuttal", "duplicate_charge_explanation",
    "product_description", "refund_policy_disclosure", "refund_refusal_explanation", "uncategorized_text",
])  # fmt: skip
"""Those that may be long: 20,000 characters, the others 5,000."""
MAX_EVIDENCE = 150_000
"""Characters of all evidence together, from the public API reference."""
ANSWER_WITHIN_S = 9 * 86_400
INQUIRY_ENDS_S = 120 * 86_400
"""An inquiry that nobody escalates is closed after 120 days (public page "How disputes work")."""
REASON_CODES = {
    "bank_cannot_process": "11.3", "credit_not_processed": "13.6", "duplicate": "12.6.1", "fraudulent": "10.4",
    "general": "13.5", "incorrect_account_details": "12.4", "insufficient_funds": "11.3",
    "product_not_received": "13.1", "product_unacceptable": "13.3", "subscription_canceled": "13.2",
    "unrecognized": "10.4",
}  # fmt: skip
"""Stripe's reason → Visa's reason code, as the public page "Dispute reason codes" groups them."""
DECISIONS = {"winning_evidence": "won", "losing_evidence": "lost", "escalate_inquiry_evidence": "escalate"}
OPEN = ("needs_response", "under_review")
INQUIRY = ("warning_needs_response", "warning_under_review")
ANSWERABLE = ("needs_response", "warning_needs_response")


def start(call: Call, charge: Json, reason: str, *, inquiry: bool = False, amount: int | None = None) -> Json:
    """A dispute over `amount` (minor units; None: all that was captured) of a captured charge."""
    card = charge["payment_method_details"]["card"]
    disputed = charge["amount_captured"] if amount is None else amount
    dispute: Json = {
        "id": call.new_id("du_1", 23),
        "object": "dispute",
        "amount": disputed,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": call.created,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(TEXTS), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": call.created + ANSWER_WITHIN_S,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card["brand"],
                "case_type": "inquiry" if inquiry else "chargeback",
                "network": card["network"],
                "network_reason_code": REASON_CODES.get(reason),
            },
            "type": "card",
        },
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    call.put("charge", {**charge, "disputed": True})
    if inquiry:
        call.later(dispute["id"], "dispute_due", float(INQUIRY_ENDS_S), {})
        call.emit("charge.dispute.created", dispute)
    else:
        call.later(dispute["id"], "dispute_due", float(ANSWER_WITHIN_S), {})
        dispute = _withdraw(call, dispute, charge)
        call.emit("charge.dispute.created", dispute)
        call.emit("charge.dispute.funds_withdrawn", dispute)
    return call.put("dispute", dispute)


def _booked(call: Call, dispute: Json, amount: int, fee: int, category: str) -> Json:
    """`dispute` with one more balance transaction."""
    booked = balance.book(call, dispute, "adjustment", amount, fee=fee, category=category, after_s=0)
    shown = balance.shown(call, call.need("balance_transaction", booked, "id"))
    return {**dispute, "balance_transactions": [*dispute["balance_transactions"], shown]}


def _withdraw(call: Call, dispute: Json, charge: Json) -> Json:
    """The bank takes the money, the fee is charged."""
    call.move("chargeback", dispute["amount"], dispute, of=charge)
    return _booked(call, dispute, -dispute["amount"], balance.dispute_fee(dispute["currency"]), "dispute")


def escalate(call: Call, dispute: Json) -> Json:
    """An inquiry becomes a chargeback."""
    charge = call.need("charge", dispute["charge"], "charge")
    card = {**dispute["payment_method_details"]["card"], "case_type": "chargeback"}
    details = {**dispute["evidence_details"], "due_by": call.created + ANSWER_WITHIN_S}
    after = {
        **dispute,
        "status": "needs_response",
        "is_charge_refundable": False,
        "evidence_details": details,
        "payment_method_details": {"card": card, "type": "card"},
    }
    after = _withdraw(call, after, charge)
    call.later(after["id"], "dispute_due", float(ANSWER_WITHIN_S), {})
    call.emit("charge.dispute.updated", after, dispute)
    call.emit("charge.dispute.funds_withdrawn", after)
    return call.put("dispute", after)


def end(call: Call, dispute: Json, status: str) -> Json:
    """`won`, `lost` or `warning_closed`; a won dispute brings amount and fee back."""
    call.settled(dispute["id"])
    after = {**dispute, "status": status}
    if status == "won":
        charge = call.need("charge", dispute["charge"], "charge")
        fee = balance.dispute_fee(dispute["currency"])
        call.move("chargeback_reversed", dispute["amount"], dispute, of=charge)
        after = _booked(call, after, dispute["amount"], -fee, "dispute_reversal")
    call.emit("charge.dispute.closed", after)
    if status == "won":
        call.emit("charge.dispute.funds_reinstated", after)
    return call.put("dispute", after)


def retrieve(call: Call) -> Json:
    """`GET /v1/disputes/{id}`."""
    return call.need("dispute", call.path[0], "dispute")


def list_all(call: Call) -> Json:
    """`GET /v1/disputes`."""
    params = call.params
    items = None
    for field in ("charge", "payment_intent"):
        if items is None and params.get(field):
            items = list(reversed(call.find("dispute", field, params[field])))
    return lists.page(call, "dispute", "/v1/disputes", items, payment_intent=params.get("payment_intent"))


def update(call: Call) -> Json:
    """`POST /v1/disputes/{id}`: evidence, sent to the bank unless `submit=false`; metadata in any state."""
    before = retrieve(call)
    params = call.params
    after = dict(before)
    if "metadata" in params:
        after["metadata"] = merge_metadata(before["metadata"], params["metadata"])
    given = params.get("evidence")
    submits = params.get("submit", given is not None)
    if given is None and not submits:
        call.emit("charge.dispute.updated", after, before)
        return call.put("dispute", after)
    if before["status"] not in ANSWERABLE:
        raise invalid(
            f"Dispute {before['id']} takes no evidence: its status is {before['status']}.", param="evidence"
        ).after_execution()
    after["evidence"] = {**before["evidence"], **{name: text for name, text in (given or {}).items() if name in TEXTS}}
    if sum(len(after["evidence"][name] or "") for name in TEXTS) > MAX_EVIDENCE:
        raise invalid(f"Evidence has at most {MAX_EVIDENCE} characters in all.", param="evidence")
    has = any(after["evidence"][name] for name in TEXTS)
    count = before["evidence_details"]["submission_count"] + bool(submits)
    after["evidence_details"] = {**before["evidence_details"], "has_evidence": has, "submission_count": count}
    if not submits:
        call.emit("charge.dispute.updated", after, before)
        return call.put("dispute", after)
    call.put("dispute", after)
    return _decided(call, review(call, after, before))


def review(call: Call, dispute: Json, before: Json | None = None) -> Json:
    """The evidence is with the bank. `before`: as it was before the evidence was given."""
    call.settled(dispute["id"])
    after = {**dispute, "status": dispute["status"].replace("needs_response", "under_review")}
    call.emit("charge.dispute.updated", after, before or dispute)
    return call.put("dispute", after)


def _decided(call: Call, dispute: Json) -> Json:
    """What the bank says to the evidence, where the published words are in it."""
    decision = DECISIONS.get((dispute["evidence"]["uncategorized_text"] or "").strip())
    if decision == "escalate":
        return escalate(call, dispute) if dispute["status"] in INQUIRY else dispute
    if decision is None:
        return dispute
    if dispute["status"] in INQUIRY:  # nothing to win back; a lost inquiry is a chargeback
        return end(call, dispute, "warning_closed") if decision == "won" else escalate(call, dispute)
    return end(call, dispute, decision)


def close(call: Call) -> Json:
    """`POST /v1/disputes/{id}/close`: the merchant accepts it, for good."""
    dispute = retrieve(call)
    if dispute["status"] not in ANSWERABLE:
        raise invalid(f"Dispute {dispute['id']} cannot be closed: its status is {dispute['status']}.").after_execution()
    return end(call, dispute, "warning_closed" if dispute["status"] in INQUIRY else "lost")


# -- early fraud warnings: the network reports fraud before, or without, a dispute
def warn(call: Call, charge: Json) -> None:
    """An early fraud warning about a charge."""
    warning = {
        "id": call.new_id("issfr_1", 23),
        "object": "radar.early_fraud_warning",
        "actionable": not charge["refunded"] and not charge["disputed"],
        "charge": charge["id"],
        "created": call.created,
        "fraud_type": "misc",
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }
    call.put("early_fraud_warning", warning)
    call.emit("radar.early_fraud_warning.created", warning)


def retrieve_warning(call: Call) -> Json:
    """`GET /v1/radar/early_fraud_warnings/{id}`."""
    return call.need("early_fraud_warning", call.path[0], "early_fraud_warning", kind="early fraud warning")


def list_warnings(call: Call) -> Json:
    """`GET /v1/radar/early_fraud_warnings`."""
    params = call.params
    return lists.page(
        call,
        "early_fraud_warning",
        "/v1/radar/early_fraud_warnings",
        charge=params.get("charge"),
        payment_intent=params.get("payment_intent"),
    )
