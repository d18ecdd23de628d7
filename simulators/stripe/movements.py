"""What happens to resources without a request of the merchant: time passes, the shopper acts, a test pushes by hand.

Each function has the shape of the kit's `Dialect.actions`, runs inside an open transaction, and is what a lifecycle,
the challenge page and the control plane's `settle` call by name. An action that the resource's state does not allow
raises `NotNow` with a sentence for people.
"""

from collections.abc import Mapping
from typing import Any

from simulators.kit.accounts import Account
from simulators.kit.actions import BadRule
from simulators.stripe import confirm, disputes, intents, payouts, refunds, reports, setup_intents
from simulators.stripe.call import Call
from simulators.stripe.cards import behaviour
from simulators.stripe.declines import decline_for
from simulators.stripe.errors import CardDeclined
from simulators.stripe.objects import Json
from simulators.stripe.objects_money import APPROVED

Data = Mapping[str, Any]


class NotNow(BadRule):
    """The resource's state does not allow the movement; the control plane answers 422 with the message."""


def _load(account: Account, collection: str, identifier: str, statuses: tuple[str, ...]) -> tuple[Call, Json]:
    call = Call(account, path=(identifier,), form={}, base_url=account.world.url)
    found = call.get(collection, identifier)
    if found is None:
        raise NotNow(f"there is no {collection} {identifier}")
    if found["status"] not in statuses:
        raise NotNow(f"{identifier} is {found['status']}; this needs {' or '.join(statuses)}")
    return call, found


def finish_payment(account: Account, identifier: str, data: Data) -> None:
    """`processing` ends: approved, or declined with the code in `data["then"]`."""
    call, intent = _load(account, "payment_intent", identifier, ("processing",))
    charge = call.need("charge", intent["latest_charge"], "charge")
    kept = call.need("card", intent["payment_method"], "payment_method")
    then = data.get("then", "approve")
    if then == "approve":
        charge = {**charge, "status": "succeeded", "paid": True, "outcome": APPROVED}
        confirm.approved(call, intent, charge, kept)
    else:
        decline = decline_for(then)
        method = call.need("payment_method", intent["payment_method"], "payment_method")
        confirm.fail_intent(call, intent, confirm.fail_charge(charge, decline), method, decline)
    call.flush()


def decline_payment(account: Account, identifier: str, data: Data) -> None:
    """`processing` ends with a decline: the code in `data["code"]`, else a generic one."""
    finish_payment(account, identifier, {"then": data.get("code", "generic_decline")})


def authenticate(account: Account, identifier: str, _data: Data) -> None:
    """The shopper passed the challenge: the payment goes on to the issuer, the setup succeeds."""
    collection = "setup_intent" if identifier.startswith("seti_") else "payment_intent"
    call, intent = _load(account, collection, identifier, ("requires_action",))
    if collection == "setup_intent":
        setup_intents.succeed(call, intent)
    elif intent["confirmation_method"] == "manual":
        # The server confirms again, and the card is known to be authenticated.
        kept = call.need("card", intent["payment_method"], "payment_method")
        call.put("card", {**kept, "authenticated": True})
        call.put("payment_intent", {**intent, "status": "requires_confirmation", "next_action": None})
    else:
        kept = call.need("card", intent["payment_method"], "payment_method")
        method = call.need("payment_method", intent["payment_method"], "payment_method")
        try:
            acts = behaviour(kept["magic"])
            confirm.authorize(call, {**intent, "next_action": None}, method, kept, acts, three_ds=confirm.CHALLENGED)
        except CardDeclined:
            call.flush()  # the decline is the result; nobody waits for an answer here
            return
    call.flush()


def fail_authentication(account: Account, identifier: str, _data: Data) -> None:
    """The shopper failed or left the challenge: back to `requires_payment_method`, no charge was tried."""
    collection = "setup_intent" if identifier.startswith("seti_") else "payment_intent"
    call, intent = _load(account, collection, identifier, ("requires_action",))
    method = call.need("payment_method", intent["payment_method"], "payment_method")
    error = {
        "code": f"{collection}_authentication_failure",
        "doc_url": f"https://stripe.com/docs/error-codes/{collection.replace('_', '-')}-authentication-failure",
        "message": "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new "
        "PaymentMethod to attempt to fulfill this intent again.",
        "payment_method": method,
        "type": "invalid_request_error",
    }
    intent = {**intent, "status": "requires_payment_method", "payment_method": None, "next_action": None}
    if collection == "setup_intent":
        intent["last_setup_error"] = error
        call.emit("setup_intent.setup_failed", intent)
    else:
        intent["last_payment_error"] = error
        call.emit("payment_intent.payment_failed", intent)
    call.put(collection, intent)
    call.flush()


def expire(account: Account, identifier: str, _data: Data) -> None:
    """The authorization runs out (seven days at the real PSP): what is held is released, the intent is canceled."""
    call, intent = _load(account, "payment_intent", identifier, ("requires_capture",))
    intents.end(call, intent, "expired", expired=True)
    call.flush()


def finish_refund(account: Account, identifier: str, _data: Data) -> None:
    """A pending refund succeeds."""
    call, refund = _load(account, "refund", identifier, ("pending",))
    refunds.finish(call, refund)
    call.flush()


REFUND_FAILURES = (
    "lost_or_stolen_card", "expired_or_canceled_card", "charge_for_pending_refund_disputed", "insufficient_funds",
    "declined", "merchant_request", "unknown",
)  # fmt: skip


def fail_refund(account: Account, identifier: str, data: Data) -> None:
    """A refund comes back: the bank refused it, at once or after it had succeeded; `reason` in `data`, else unknown."""
    call, refund = _load(account, "refund", identifier, ("pending", "succeeded"))
    reason = data.get("reason", "unknown")
    if reason not in REFUND_FAILURES:
        raise NotNow(f"reason: one of {', '.join(REFUND_FAILURES)}")
    refunds.fail(call, refund, reason)
    call.flush()


def dispute(account: Account, identifier: str, data: Data) -> None:
    """The shopper's bank disputes a charge (or an intent's): `reason`, `amount`, `inquiry` in `data`."""
    call = Call(account, path=(identifier,), form={}, base_url=account.world.url)
    intent = call.get("payment_intent", identifier)
    charge = call.get("charge", identifier if intent is None else intent["latest_charge"] or "")
    if charge is None or not charge["amount_captured"]:
        raise NotNow(f"there is no captured charge {identifier}")
    if charge["disputed"]:
        raise NotNow(f"{charge['id']} is disputed already")
    reason, amount = data.get("reason", "fraudulent"), data.get("amount")
    if reason not in disputes.REASON_CODES:
        raise NotNow(f"reason: one of {', '.join(disputes.REASON_CODES)}")
    if amount is not None and not (type(amount) is int and 0 < amount <= charge["amount_captured"]):
        raise NotNow(f"amount: minor units, 1 to {charge['amount_captured']}")
    disputes.start(call, charge, reason, inquiry=bool(data.get("inquiry")), amount=amount)
    call.flush()


def _disputed(account: Account, identifier: str, states: tuple[str, ...]) -> tuple[Call, Json]:
    """A dispute in one of these states, by its own id or by its charge's or intent's, whose newest it is then."""
    call = Call(account, path=(identifier,), form={}, base_url=account.world.url)
    listed = [one for field in ("charge", "payment_intent") for one in call.find("dispute", field, identifier)]
    return _load(account, "dispute", listed[-1]["id"] if listed else identifier, states)


def inquire(account: Account, identifier: str, data: Data) -> None:
    """The shopper's bank asks about a charge (or an intent's), before it disputes anything: `reason` in `data`."""
    dispute(account, identifier, {**data, "inquiry": True})


def review_dispute(account: Account, identifier: str, _data: Data) -> None:
    """The merchant's evidence goes to the bank, given by hand (in the Dashboard) and not by the API."""
    call, found = _disputed(account, identifier, disputes.ANSWERABLE)
    disputes.review(call, found)
    call.flush()


def win_dispute(account: Account, identifier: str, _data: Data) -> None:
    """The bank decides for the merchant; an inquiry is closed."""
    call, found = _disputed(account, identifier, disputes.OPEN + disputes.INQUIRY)
    disputes.end(call, found, "won" if found["status"] in disputes.OPEN else "warning_closed")
    call.flush()


def lose_dispute(account: Account, identifier: str, _data: Data) -> None:
    """The bank decides for the shopper."""
    call, found = _disputed(account, identifier, disputes.OPEN)
    disputes.end(call, found, "lost")
    call.flush()


def escalate_dispute(account: Account, identifier: str, _data: Data) -> None:
    """An inquiry becomes a chargeback."""
    call, found = _disputed(account, identifier, disputes.INQUIRY)
    disputes.escalate(call, found)
    call.flush()


def dispute_due(account: Account, identifier: str, _data: Data) -> None:
    """Nobody answered in time: lost. An inquiry that nobody escalated: closed."""
    call, found = _load(account, "dispute", identifier, disputes.OPEN + disputes.INQUIRY)
    if found["status"] in disputes.INQUIRY:
        disputes.end(call, found, "warning_closed")
    else:
        details = {**found["evidence_details"], "past_due": True}
        disputes.end(call, {**found, "evidence_details": details}, "lost")
    call.flush()


def pay_out(account: Account, identifier: str, _data: Data) -> None:
    """Automatic payouts of all that is available; `identifier` is `payout_schedule`."""
    call = Call(account, path=(identifier,), form={}, base_url=account.world.url)
    payouts.sweep(call)
    call.flush()


def send_payout(account: Account, identifier: str, _data: Data) -> None:
    """A pending payout is on its way: it can't be canceled any more."""
    call, found = _load(account, "payout", identifier, ("pending",))
    after = {**found, "status": "in_transit"}
    call.emit("payout.updated", call.put("payout", after), found)
    call.later(identifier, "finish_payout", account.mode("payout").seconds, {})
    call.flush()


def finish_payout(account: Account, identifier: str, _data: Data) -> None:
    """A payout arrives."""
    call, found = _load(account, "payout", identifier, ("pending", "in_transit"))
    payouts.finish(call, found)
    call.flush()


def fail_payout(account: Account, identifier: str, data: Data) -> None:
    """The bank refuses a payout, even one that had arrived: `code` in `data`, else `account_closed`."""
    call, found = _load(account, "payout", identifier, ("pending", "in_transit", "paid"))
    code = data.get("code", "account_closed")
    if code not in payouts.FAILURES:
        raise NotNow(f"code: one of {', '.join(payouts.FAILURES)}")
    payouts.fail(call, found, code)
    call.flush()


def finish_report(account: Account, identifier: str, _data: Data) -> None:
    """A report run is done."""
    call, found = _load(account, "report_run", identifier, ("pending",))
    reports.finish(call, found)
    call.flush()


ACTIONS = {
    action.__name__: action
    for action in (
        finish_payment, decline_payment, authenticate, fail_authentication, expire, finish_refund, fail_refund,
        dispute, inquire, review_dispute, win_dispute, lose_dispute, escalate_dispute, dispute_due,
        pay_out, send_payout, finish_payout, fail_payout, finish_report,
    )
}  # fmt: skip
