"""POST /payments and the reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulators.checkout import cards, errors, events, movements, objects, threeds, wire
from simulators.checkout.params import Fields
from simulators.kit import cards as kit_cards
from simulators.kit import lifecycle
from simulators.kit.exchange import Exchange
from simulators.kit.faults import Facts, brought
from simulators.kit.http import Answer

Json = dict[str, Any]

PAYMENT_TYPES = ("Regular", "Recurring", "MOTO", "Installment", "PayLater", "Unscheduled")
MAX_LISTED = 100


@dataclass(slots=True)
class Asked:
    """A payment request that was read and is good."""

    fields: Fields
    source: cards.Source
    currency: str
    amount: int
    three_ds: threeds.Asked
    customer: Json | None


def facts(x: Exchange) -> Facts:
    """Read and check the request; then what rules may match. Raises Refusal."""
    fields = Fields(x.body)
    source = cards.read(x, fields)
    currency = fields.currency()
    amount = fields.amount(currency, least=0) or 0
    for name, words in (("payment_type", PAYMENT_TYPES), ("authorization_type", ("Final", "Estimated"))):
        fields.choice(name, words)
    for name, most in (("reference", 50), ("description", 100), ("payment_ip", 45)):
        fields.text(name, most)
    fields.flag("capture", True)
    fields.flag("merchant_initiated", False)
    fields.moment("capture_on")
    fields.metadata()
    _previous(x, fields)
    _channel(x, fields)
    fields.url("success_url", "success_url_invalid")
    fields.url("failure_url", "fail_url_invalid")
    _descriptor(fields)
    shipping = fields.inside("shipping")
    shipping.address("address")
    shipping.phone()
    if fields.has("risk"):
        fields.inside("risk").flag("enabled", True)
    three_ds = threeds.read(fields)
    customer = _customer(x, fields)
    fields.refuse()
    assert source is not None, "a source that was not found left a code, and the reading was refused"
    assert currency is not None, "a missing currency is refused"
    x.body["asked"] = Asked(fields, source, currency, amount, three_ds, customer)
    found = Facts(
        "authorize",
        amount=amount,
        currency=currency,
        email=(customer or {}).get("email"),
        reference=x.body.get("reference"),
        payment=(x.body.get("metadata") or {}).get("payera_payment"),
        brought=_brought(x.body, three_ds),
    )
    for name, value in kit_cards.traits(source.card).items():
        setattr(found, name, value)
    return found


def _brought(body: Json, three_ds: threeds.Asked) -> Mapping[str, Any] | None:
    """What the request brings along from elsewhere, as the requests log shows it."""
    previous = body.get("previous_payment_id")
    own = three_ds.own
    authentication = None
    if own is not None:
        names = {"version": "version", "eci": "eci", "ds_transaction_id": "xid", "cryptogram": "cryptogram"}
        authentication = {ours: own[theirs] for ours, theirs in names.items()}
    return brought(None if previous is None or previous.startswith("pay_") else previous, authentication)


def _previous(x: Exchange, fields: Fields) -> None:
    """A payment of this account, or a scheme's own transaction id of an agreement made elsewhere."""
    previous = fields.text("previous_payment_id", 100)
    if previous is not None and previous.startswith("pay_") and ("payments", previous) not in x.store:
        fields.wrong("previous_payment_id")


def _channel(x: Exchange, fields: Fields) -> None:
    channel = fields.text("processing_channel_id", pattern=r"pc_\w{26}")
    if channel is None and not fields.has("processing_channel_id") and wire.by_oauth(x):
        fields.wrong("processing_channel_id", "required")
    elif channel is not None and channel != x.account.settings.get("processing_channel_id", channel):
        fields.wrong("processing_channel_id")


def _descriptor(fields: Fields) -> None:
    if not fields.has("billing_descriptor"):
        return
    inner = Fields(fields.inside("billing_descriptor").body, fields.codes, "billing_descriptor_")
    inner.text("name", 25, required=True)
    inner.text("city", 13, required=True)


def _customer(x: Exchange, fields: Fields) -> Json | None:
    """The customer named in the request: a known one by id, or one to find or make by e-mail."""
    if not fields.has("customer"):
        return None
    inner = fields.inside("customer", "customer_")
    known = inner.text("id")
    email = inner.email("customer_email_invalid")
    name = inner.text("name")
    if known is not None:
        found = x.store.get("customers", known)
        if found is None:
            fields.wrong("customer_not_found", "")
        return found
    return {"id": None, "email": email, "name": name} if email is not None else None


def create(x: Exchange) -> Answer:
    """POST /payments"""
    asked: Asked = x.body["asked"]
    payment = _payment(x, asked)
    kind = "Authorization" if payment["amount"] else "Card Verification"
    authorization_type = payment["authorization_type"] if payment["amount"] else None
    action = movements.new_action(
        x.account, payment, kind, payment["amount"],
        reference=payment["reference"], metadata=payment["metadata"], authorization_type=authorization_type,
    )  # fmt: skip
    payment["authorization"] = action["id"]
    x.made = payment["id"]
    x.store.put("actions", action)
    base, verdict = x.request.base_url, x.verdict
    then = "approve" if verdict.decline is None else verdict.decline.code
    step = threeds.decide(asked.three_ds, verdict)
    payment["3ds"], payment["eci"] = step.shown, step.eci
    if step.decline is not None:
        then = step.decline
    if step.redirect is not None:
        payment["challenge"] = {"then": then, "result": step.redirect}
        return _undecided(x, payment, action, "expire", x.account.mode("challenge"))
    if verdict.outcome == "pending":
        return _undecided(x, payment, action, "settle", verdict.mode(), {"then": verdict.then})
    if then != "approve":
        advice = None if verdict.decline is None or step.decline is not None else verdict.decline.advice
        movements.decline_payment(x.account, payment, action, then, advice)
        return wire.answer(201, objects.response(x.account, base, payment, action))
    movements.approve_payment(x.account, payment, action)
    answer = wire.answer(201, objects.response(x.account, base, payment, action))
    movements.capture_if_asked(x.account, payment)
    return answer


def _undecided(
    x: Exchange, payment: Json, action: Json, movement: str, mode: lifecycle.Mode, data: Json | None = None
) -> Answer:
    """202: the payment waits, for the shopper or for the issuer."""
    x.store.put("payments", payment)
    lifecycle.start(x.account, payment["id"], movement, mode, data)
    events.send(x.account, "payment_pending", payment, action)
    return wire.answer(202, objects.accepted(x.account, x.request.base_url, payment))


def _payment(x: Exchange, asked: Asked) -> Json:
    body, source = x.body, asked.source
    customer = _keep_customer(x, asked) or source.customer
    instrument = cards.keep(x.account, source, customer)
    capture_on = asked.fields.moment("capture_on")
    return {
        "id": wire.new_id(x.account, "pay_"),
        "session": wire.new_id(x.account, "sid_"),
        "authorization": None,
        "status": "Pending",
        "approved": False,
        "amount": x.amount if asked.amount else 0,
        "currency": asked.currency,
        "payment_type": body.get("payment_type") or "Regular",
        "merchant_initiated": body.get("merchant_initiated") or False,
        "previous_payment_id": body.get("previous_payment_id"),
        "authorization_type": body.get("authorization_type") or "Final",
        "capture": asked.fields.flag("capture", True),
        "capture_on": capture_on,
        "reference": body.get("reference"),
        "description": body.get("description"),
        "metadata": body.get("metadata"),
        "requested_on": wire.now(x.account),
        "expires_on": None,
        "customer": customer,
        "source": {
            "id": instrument,
            "card": source.card,
            "billing_address": source.billing_address,
            "phone": source.phone,
            "avs_check": source.avs_check,
            "cvv_check": source.cvv_check,
        },
        "3ds": None,
        "challenge": None,
        "success_url": body.get("success_url"),
        "failure_url": body.get("failure_url"),
        "billing_descriptor": body.get("billing_descriptor"),
        "shipping": body.get("shipping"),
        "payment_ip": body.get("payment_ip"),
        "flagged": False,
        "eci": None,
        "scheme_id": None,
        "authorized": 0,
        "voided": 0,
        "captured": 0,
        "refunded": 0,
        "closed": False,
    }


def _keep_customer(x: Exchange, asked: Asked) -> str | None:
    named = asked.customer
    if named is None:
        return None
    if named["id"] is not None:
        return str(named["id"])
    for known in x.store.find("customers", "email", named["email"]):
        return str(known["id"])
    customer = {
        "id": wire.new_id(x.account, "cus_"),
        "email": named["email"],
        "name": named["name"],
        "phone": None,
        "metadata": None,
        "default": None,
        "instruments": [],
    }
    x.store.put("customers", customer)
    return str(customer["id"])


# -- reads
def need(x: Exchange) -> Json:
    """The payment of the path; a `sid_` names it by its session. Raises Refusal (404)."""
    wanted = x.params["id"]
    if wanted.startswith("sid_"):
        return next(iter(x.store.find("payments", "session", wanted)), None) or errors.not_found()
    return x.store.get("payments", wanted) or errors.not_found()


def get(x: Exchange) -> Answer:
    """GET /payments/{id}"""
    return wire.answer(200, objects.details(x.account, x.request.base_url, need(x)))


def actions(x: Exchange) -> Answer:
    """GET /payments/{id}/actions"""
    return wire.answer(200, [objects.action_view(action) for action in objects.processed(x.account, need(x))])


def list_facts(x: Exchange) -> Facts:
    """What rules may match in a list."""
    return Facts("read", reference=x.request.query.get("reference"))


def list_by_reference(x: Exchange) -> Answer:
    """GET /payments?reference=&limit=&skip="""
    query = x.request.query
    if not query.get("reference"):
        errors.invalid("reference_required")
    limit, skip = wire.paging(query, 10, MAX_LISTED)
    found = x.store.find("payments", "reference", query["reference"])[::-1]
    data = [objects.details(x.account, x.request.base_url, payment) for payment in found[skip : skip + limit]]
    return wire.answer(200, {"limit": limit, "skip": skip, "total_count": len(found), "data": data})
