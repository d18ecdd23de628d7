"""`/payments` and `/payments/details`."""

import re
from collections.abc import Mapping
from typing import Any

from simulators.adyen import cards, errors, fields, flows, refusals, standing, triggers
from simulators.adyen.currencies import CURRENCIES
from simulators.adyen.notifications import amount_of, moment
from simulators.kit import cards as kit_cards
from simulators.kit import lifecycle
from simulators.kit.exchange import Exchange
from simulators.kit.faults import Facts, brought
from simulators.kit.http import Answer

Json = dict[str, Any]
MAX_DELAY_HOURS = 672
MAX_REFERENCE = 80
UNUSUAL = ("Pending", "PresentToShopper", "PartiallyAuthorised", "Success")
"""Result codes that only a fault `{action: outcome, name: …}` asks for."""


def answer(x: Exchange, status: int, body: Json) -> Answer:
    """A good answer; Adyen echoes the idempotency key, and says the pspReference in a header as well."""
    headers = {} if x.key is None else {"idempotency-key": x.key}
    if "pspReference" in body:
        headers["pspReference"] = body["pspReference"]
    return Answer.json(status, body, headers)


# -- what both check
def merchant(x: Exchange, wanted: Any) -> str:
    """The merchant account, which must be this credential's. Raises Refusal (403, 901)."""
    if wanted is None or wanted != x.account.settings["merchant_account"]:
        errors.wrong_merchant()
    return str(wanted)


def require(struct: fields.Struct, body: Json) -> None:
    """Every required field is there, asked for in Adyen's order. Raises Refusal."""
    for name in struct.required:
        if body.get(name) is None and name != "merchantAccount":
            errors.missing(name)


def money(amount: Json, *, least: int = 0) -> tuple[str, int]:
    """Currency and minor units of an `amount`. Raises Refusal."""
    for name in fields.AMOUNT.required:
        if amount.get(name) is None:
            errors.missing(f"amount.{name}")
    if amount["currency"] not in CURRENCIES:
        errors.refuse(422, "138", "Unsupported currency specified")
    if not least <= amount["value"] < 1 << 53:
        errors.refuse(422, "137", "Invalid amount specified")
    return amount["currency"], amount["value"]


def _text(body: Json, name: str, limit: int) -> str:
    value = str(body[name])
    if not value.strip() or len(value) > limit:
        errors.missing(name)
    return value


# -- /payments
def payment_facts(x: Exchange) -> Facts:
    """Check the request and say what rules can match."""
    body = x.body
    fields.check(fields.PAYMENT, body)
    merchant(x, body.get("merchantAccount"))
    require(fields.PAYMENT, body)
    currency, value = money(body["amount"])
    metadata = body.get("metadata") or {}
    shopper = body.get("shopperReference")
    method = cards.read(x, body["paymentMethod"], shopper)
    _text(body, "reference", MAX_REFERENCE)
    if shopper is not None and not 3 <= len(shopper) <= 256:
        errors.refuse(422, "128", "Invalid shopperReference: 3 to 256 characters")
    if body.get("storePaymentMethod") and not shopper:
        errors.refuse(422, "000", "Recurring payments require a shopperReference")
    if not 0 <= (body.get("captureDelayHours") or 0) <= MAX_DELAY_HOURS:
        errors.refuse(422, "702", f"captureDelayHours must be between 0 and {MAX_DELAY_HOURS}")
    x.body = {"request": body, "method": method}
    facts = Facts(
        "authorize",
        amount=value,
        currency=currency,
        email=body.get("shopperEmail"),
        reference=body["reference"],
        payment=metadata.get("payera_payment"),
        brought=_brought(body),
    )
    return _with_card(facts, method.card)


def _brought(body: Json) -> Mapping[str, Any] | None:
    """What the request brings along from elsewhere, as the requests log shows it."""
    mpi = body.get("mpiData")
    authentication = None
    if mpi:
        names = {"version": "threeDSVersion", "eci": "eci", "ds_transaction_id": "dsTransID", "cryptogram": "cavv"}
        authentication = {ours: mpi.get(theirs) for ours, theirs in names.items()}
    return brought((body.get("paymentMethod") or {}).get("networkPaymentReference"), authentication)


def _with_card(facts: Facts, card: Json | None) -> Facts:
    if card is not None:
        for name, value in kit_cards.traits(card).items():
            setattr(facts, name, value)
    return facts


def create(x: Exchange) -> Answer:
    """`POST /payments`"""
    body, method = x.body["request"], x.body["method"]
    payment = _new(x, body, method)
    x.made = payment["id"]
    verdict, kind = x.verdict, _flow(x, body, method)
    own = triggers.asked_for(x, body, method)
    payment["issuer"] = None if own is None else own if isinstance(own, str) else {"word": own.word, "raw": own.raw}
    if verdict.outcome in UNUSUAL:
        _unusual(x, payment)
    elif verdict.decline is not None:
        standing.refuse(x.account, payment, refusals.said(x.account, verdict.decline))
    elif verdict.outcome == "pending":
        standing.wait(x.account, payment, verdict.mode(), verdict.then)
    elif kind is not None:
        native = _native(body) and payment["card"] is not None
        flows.begin(x.account, payment, kind, native=native)
    elif _authentication(body).get("authenticationOnly"):
        payment |= {"state": "authenticated", "result": "AuthenticationNotRequired"}
        x.store.put(standing.PAYMENTS, payment)
    else:
        _conclude(x, payment)
    return answer(x, 200, view(payment, x.request.base_url))


def _new(x: Exchange, body: Json, method: cards.Method) -> Json:
    card = method.card
    variant = method.type if card is None else card["variant"]
    mpi = body.get("mpiData")
    return standing.new(
        x.account,
        merchant=body["merchantAccount"],
        reference=body["reference"],
        payment=x.facts.payment,
        currency=x.facts.currency,
        authorised=x.amount,
        type=method.type,
        method=variant,
        card=card,
        cvc=method.cvc,
        token=method.token,
        shopper=body.get("shopperReference"),
        email=body.get("shopperEmail"),
        store=bool(body.get("storePaymentMethod") or body.get("enableRecurring") or body.get("enableOneClick"))
        and bool(body.get("shopperReference")),
        model=body.get("recurringProcessingModel"),
        interaction=body.get("shopperInteraction") or ("ContAuth" if method.token and not method.cvc else "Ecommerce"),
        metadata=body.get("metadata") or {},
        capture=_capture(x, body, method),
        later=triggers.LATER_FAILURES.get((card or {}).get("name") or ""),
        return_url=body["returnUrl"],
        authentication_only=bool(_authentication(body).get("authenticationOnly")),
        three_ds=None if mpi is None else flows.brought(mpi, variant),
    )


def _capture(x: Exchange, body: Json, method: cards.Method) -> Any:
    """When the payment is captured: `immediate`, `manual`, or `{after: seconds}`; by request, else by account."""
    if method.card is None:
        return "immediate"  # methods that redirect know no authorisation without capture
    wish = str((body.get("additionalData") or {}).get("manualCapture", "")).lower()
    if wish in ("true", "false"):
        return "manual" if wish == "true" else "immediate"
    hours = body.get("captureDelayHours")
    if hours is not None:
        return {"after": hours * 3600} if hours else "immediate"
    mode = x.account.mode("automatic_capture")
    if mode == lifecycle.IMMEDIATE:
        return "immediate"
    return "manual" if mode.seconds is None else {"after": mode.seconds}


# -- 3D Secure: whether, and how
def _authentication(body: Json) -> Json:
    return body.get("authenticationData") or {}


def _native(body: Json) -> bool:
    request = _authentication(body).get("threeDSRequestData") or {}
    old = str((body.get("additionalData") or {}).get("allow3DS2", "")).lower() == "true"
    return request.get("nativeThreeDS") == "preferred" or old


def _flow(x: Exchange, body: Json, method: cards.Method) -> str | None:
    """Which flow the shopper goes through first, None for none. A stored card without its shopper, a payment by
    mail or phone and a payment authenticated elsewhere never meet one."""
    if method.card is None:
        return flows.REDIRECT
    if x.verdict.outcome in flows.KINDS and (x.decision.source or "").startswith("fault_"):
        return x.verdict.outcome
    if body.get("shopperInteraction") in ("ContAuth", "Moto", "POS") or body.get("mpiData"):
        return None
    wish = _authentication(body).get("attemptAuthentication")
    if wish == "never":
        return None
    for action in x.world.rules.decide(x.facts, x.request.headers).actions:
        if action.word == "outcome":
            return str(action["name"])
    if method.token is not None and not method.cvc:
        return None
    return flows.FULL if wish == "always" else None


def _unusual(x: Exchange, payment: Json) -> None:
    """Result codes that no card of ours gives by itself."""
    name, data = x.verdict.outcome, x.verdict.data or {}
    if name == "PartiallyAuthorised":
        payment["authorised"] = int(data.get("amount", payment["authorised"] // 2))
        standing.approve(x.account, payment, name)
    elif name == "Success":
        standing.approve(x.account, payment, name)
    else:
        standing.wait(x.account, payment, lifecycle.manual(), "approve", name)


def _conclude(x: Exchange, payment: Json) -> None:
    """What the issuer says once nothing is left to do for the shopper."""
    said = payment["issuer"]
    if said is None:
        standing.approve(x.account, payment)
    elif said == triggers.RECEIVED:
        standing.wait(x.account, payment, lifecycle.manual(), "approve")
    else:
        standing.refuse(x.account, payment, refusals.find(x.account, said["word"]).with_raw(said["raw"]))


# -- /payments/details
def details_facts(x: Exchange) -> Facts:
    """Find the payment that the details belong to."""
    fields.check(fields.DETAILS, x.body)
    require(fields.DETAILS, x.body)
    details = x.body["details"]
    result = (
        details.get("threeDSResult") or details.get("threeds2.challengeResult") or details.get("threeds2.fingerprint")
    )
    told = flows.decode(result) if result else {}
    continuation = (
        details.get("redirectResult")
        or details.get("payload")
        or details.get("MD")
        or told.get("authorisationToken")
        or x.body.get("paymentData")
    )
    found = x.store.find(standing.PAYMENTS, "continuation", continuation) if continuation else []
    if not found:
        errors.refuse(422, "14_018", "Invalid payload provided")
    payment = found[0]
    x.body = {"payment": payment, "status": told.get("transStatus")}
    facts = Facts(
        "authorize",
        amount=payment["authorised"],
        currency=payment["currency"],
        reference=payment["reference"],
        payment=payment["payment"],
    )
    return _with_card(facts, payment["card"])


def details(x: Exchange) -> Answer:
    """`POST /payments/details`"""
    payment, status = x.body["payment"], x.body["status"]
    x.made = payment["id"]
    flow = payment["flow"]
    if payment["state"] == "action":
        payment["authorised"] = x.amount
        if flow["step"] == "fingerprint" and flow["kind"] == flows.FULL:
            flow["step"] = "challenge"
            payment["result"] = flows.RESULT_OF_STEP["challenge"]
            x.store.put(standing.PAYMENTS, payment)
        else:
            _finish(x, payment, flow["done"] or status)
    return answer(x, 200, view(payment, x.request.base_url))


def _finish(x: Exchange, payment: Json, done: str | None) -> None:
    """The shopper has done all there was to do; `done` says what came of it."""
    flow = payment["flow"]
    if flow["step"] == "redirect" and flow["done"] is None:
        errors.refuse(422, "14_018", "Invalid payload provided")  # nobody has been on the page yet
    if done == "cancelled":
        standing.refuse(x.account, payment, refusals.find(x.account, "SHOPPER_CANCELLED"), "Cancelled")
        return
    status = "Y" if flow["step"] == "fingerprint" else done or "N"
    if payment["card"] is not None:
        payment["three_ds"] = flows.authenticated(payment, status, challenged=flow["step"] != "fingerprint")
    if status not in ("Y", "A"):
        word = "NOT_3D_AUTHENTICATED" if payment["card"] is not None else "DECLINED"
        standing.refuse(x.account, payment, refusals.find(x.account, word))
    elif payment["authentication_only"]:
        payment |= {"state": "authenticated", "result": "AuthenticationFinished"}
        x.store.put(standing.PAYMENTS, payment)
    elif x.verdict.decline is not None:
        standing.refuse(x.account, payment, refusals.said(x.account, x.verdict.decline))
    elif x.verdict.outcome == "pending":
        standing.wait(x.account, payment, x.verdict.mode(), x.verdict.then)
    else:
        _conclude(x, payment)


# -- the answer of both
def view(payment: Json, base_url: str) -> Json:
    """A `PaymentResponse`. What waits for the shopper shows no pspReference, except a card's redirect."""
    body: Json = {"resultCode": payment["result"], "merchantReference": payment["reference"]}
    if payment["state"] == "action":
        body["action"] = flows.action(payment, base_url)
        if payment["card"] is not None and payment["flow"]["step"] == "redirect":
            body["pspReference"] = payment["id"]
        return body
    body |= {"pspReference": payment["id"], "amount": amount_of(payment["currency"], payment["authorised"])}
    if payment["additional"]:
        body["additionalData"] = payment["additional"]
    if payment["refusal"] is not None:
        body |= {"refusalReason": payment["refusal"]["reason"], "refusalReasonCode": payment["refusal"]["code"]}
    if payment["result"] in ("Authorised", "PartiallyAuthorised"):
        body["paymentMethod"] = {"type": payment["type"]} | (
            {"brand": payment["method"]} if payment["card"] is not None else {}
        )
    if payment["three_ds"] is not None and payment["state"] == "authenticated":
        body["threeDS2Result"] = flows.result_view(payment)
    if payment["result"] == "PresentToShopper":
        body["action"] = _voucher(payment)
    return body


def _voucher(payment: Json) -> Json:
    return {
        "type": "voucher",
        "paymentMethodType": payment["type"],
        "reference": re.sub(r"[^0-9A-Z]", "", payment["id"])[:12],
        "merchantReference": payment["reference"],
        "totalAmount": amount_of(payment["currency"], payment["authorised"]),
        "expiresAt": moment(payment["created"] + 86_400),
    }
