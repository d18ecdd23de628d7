"""Payouts: the available balance leaves for the merchant's bank, by hand or on a schedule of the account's clock.

A manual payout pays what the merchant asks for. An automatic one takes everything that has become available and was in
no payout before; those balance transactions name it, which is what reconciliation reads.
"""

from simulators.kit import lifecycle
from simulators.stripe import balance, lists
from simulators.stripe.call import Call
from simulators.stripe.errors import invalid
from simulators.stripe.money import check_currency
from simulators.stripe.objects import Json
from simulators.stripe.params import merge_metadata

BANK_ACCOUNT = "ba_1SimulatedMerchantAccount"
"""The one bank account of every merchant here."""
TRANSIT_S = 86_400.0
"""Until a payout arrives, where the account's lifecycle says only "by hand"."""
FAILURES = {
    "account_closed": "The bank account has been closed.",
    "account_frozen": "The bank account has been frozen.",
    "bank_account_restricted": "The bank account has restrictions on either the type, or the number, of payouts.",
    "could_not_process": "The bank could not process this payout.",
    "declined": "The bank has declined this payout.",
    "insufficient_funds": "The Stripe balance has insufficient funds to cover the payout.",
    "invalid_account_number": "The routing number seems correct, but the account number is invalid.",
    "no_account": "The bank account details are wrong: no account could be found.",
}
"""Failure codes of Stripe's public "Payout failure codes", and words for people."""


def _payout(call: Call, amount: int, currency: str, *, automatic: bool) -> Json:
    """A pending payout with every field of the real object."""
    identifier = call.new_id("po_1", 23)
    mode = call.account.mode("payout")
    arrives = call.created + int(TRANSIT_S if mode.seconds is None else mode.seconds)
    return {
        "id": identifier,
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": arrives,
        "automatic": automatic,
        "balance_transaction": None,
        "created": call.created,
        "currency": currency,
        "description": "STRIPE PAYOUT" if automatic else None,
        "destination": BANK_ACCOUNT,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }


def create(call: Call) -> Json:
    """`POST /v1/payouts`: by hand. Raises `balance_insufficient` for more than is available."""
    params = call.params
    currency = check_currency(params["currency"])
    amount = params["amount"]
    if amount < 1:
        raise invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if params.get("destination", BANK_ACCOUNT) != BANK_ACCOUNT:
        raise invalid(f"No such external account: '{params['destination']}'", param="destination")
    if amount > balance.available(call, currency):
        raise invalid(
            "You have insufficient available funds in your balance for this payout. Funds of recent payments become "
            "available later: see `available_on` of their balance transactions.",
            code="balance_insufficient",
        ).after_execution()
    payout = _payout(call, amount, currency, automatic=False)
    payout["metadata"] = merge_metadata({}, params.get("metadata", {}))
    for name in ("description", "method", "statement_descriptor", "source_type"):
        if name in params:
            payout[name] = params[name]
    return _send(call, payout)


def _send(call: Call, payout: Json) -> Json:
    """Take the money out of the balance and let the payout travel."""
    payout["balance_transaction"] = balance.book(call, payout, "payout", -payout["amount"], after_s=0)
    call.put("payout", payout)
    call.emit("payout.created", payout)
    mode = call.account.mode("payout")
    if mode == lifecycle.IMMEDIATE:
        return finish(call, payout)
    call.later(payout["id"], "finish_payout", mode.seconds, {})
    return payout


def sweep(call: Call) -> None:
    """Automatic payouts, one per currency: all that is available and in no payout yet. Plans the next sweep."""
    free: dict[str, list[Json]] = {}
    waits = False
    for item in balance.every(call):
        if item["payout"] is None and item["available_on"] <= call.created:
            free.setdefault(item["currency"], []).append(item)
        waits = waits or item["available_on"] > call.created
    for currency, items in sorted(free.items()):
        amount = sum(item["net"] for item in items)
        if amount < 1:  # a balance that is not positive stays, and later payments make up for it
            continue
        payout = _send(call, _payout(call, amount, currency, automatic=True))
        items.append(call.need("balance_transaction", payout["balance_transaction"], "payout"))
        for item in items:
            call.put("balance_transaction", {**item, "payout": payout["id"]})
        call.emit("payout.reconciliation_completed", payout)
    schedule = call.account.mode(balance.SCHEDULE)
    if waits and schedule.seconds:
        call.later(balance.SCHEDULE, "pay_out", schedule.seconds, {})


def finish(call: Call, payout: Json) -> Json:
    """The money arrived."""
    payout = {**payout, "status": "paid", "trace_id": {"status": "supported", "value": payout["id"][-15:]}}
    call.emit("payout.paid", payout)
    return call.put("payout", payout)


def fail(call: Call, payout: Json, code: str) -> None:
    """The bank sent the money back: it is in the balance again."""
    call.settled(payout["id"])
    booked = balance.book(call, payout, "payout_failure", payout["amount"], after_s=0)
    payout = {
        **payout,
        "status": "failed",
        "failure_balance_transaction": booked,
        "failure_code": code,
        "failure_message": FAILURES[code],
    }
    call.emit("payout.failed", payout)
    call.put("payout", payout)


def cancel(call: Call) -> Json:
    """`POST /v1/payouts/{id}/cancel`: a manual payout that has not been sent."""
    payout = retrieve(call)
    if payout["status"] != "pending" or payout["automatic"]:
        raise invalid(
            f"Payout {payout['id']} cannot be canceled: only manual payouts that are pending can.",
            code="payouts_not_allowed" if payout["automatic"] else None,
        ).after_execution()
    call.settled(payout["id"])
    booked = balance.book(call, payout, "payout_cancel", payout["amount"], after_s=0)
    payout = {**payout, "status": "canceled", "failure_balance_transaction": booked}
    call.emit("payout.canceled", payout)
    return call.put("payout", payout)


def retrieve(call: Call) -> Json:
    """`GET /v1/payouts/{id}`."""
    return call.need("payout", call.path[0], "id")


def update(call: Call) -> Json:
    """`POST /v1/payouts/{id}`: metadata only."""
    before = retrieve(call)
    after = dict(before)
    if "metadata" in call.params:
        after["metadata"] = merge_metadata(before["metadata"], call.params["metadata"])
    call.emit("payout.updated", after, before)
    return call.put("payout", after)


def list_all(call: Call) -> Json:
    """`GET /v1/payouts`."""
    arrives = call.params.get("arrival_date")
    items = None
    if arrives is not None:
        newest = call.account.store.all("payout", newest_first=True)
        items = [item for item in newest if lists.within(item["arrival_date"], arrives)]
    return lists.page(
        call,
        "payout",
        "/v1/payouts",
        items,
        status=call.params.get("status"),
        destination=call.params.get("destination"),
    )
