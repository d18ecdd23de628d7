"""`/sessions`: what a drop-in begins with. The drop-in's own calls are not simulated, so a session is never paid."""

from typing import Any

from simulators.adyen import errors, fields
from simulators.adyen.errors import PSP_ALPHABET
from simulators.adyen.notifications import amount_of, moment
from simulators.adyen.payments import answer, merchant, money, require
from simulators.kit.exchange import Exchange
from simulators.kit.faults import Facts
from simulators.kit.http import Answer

Json = dict[str, Any]
SESSIONS = "sessions"
LIVES_S = 3600
"""An hour, unless the request says otherwise."""
ECHOED = ("channel", "countryCode", "metadata", "mode", "shopperEmail", "shopperLocale", "shopperReference",
          "storePaymentMethodMode", "recurringProcessingModel", "captureDelayHours")  # fmt: skip


def create_facts(x: Exchange) -> Facts:
    """Check a request for a session."""
    fields.check(fields.SESSION, x.body)
    merchant(x, x.body.get("merchantAccount"))
    require(fields.SESSION, x.body)
    currency, value = money(x.body["amount"])
    return Facts("*", amount=value, currency=currency, reference=x.body["reference"])


def create(x: Exchange) -> Answer:
    """`POST /sessions`"""
    body, account = x.body, x.account
    session: Json = {
        "id": f"CS{account.new_id('', 16, PSP_ALPHABET)}",
        "data": account.new_id("", 96),
        "reference": body["reference"],
        "until": account.now() + LIVES_S,
    }
    x.made = session["id"]
    x.store.put(SESSIONS, session)
    shown: Json = {
        "id": session["id"],
        "sessionData": session["data"],
        "amount": amount_of(body["amount"]["currency"], body["amount"]["value"]),
        "expiresAt": moment(session["until"]),
        "merchantAccount": body["merchantAccount"],
        "reference": body["reference"],
        "returnUrl": body["returnUrl"],
        **{name: body[name] for name in ECHOED if body.get(name) is not None},
    }
    if body.get("mode") == "hosted":
        shown["url"] = f"{x.request.base_url}/simulator/sessions/{session['id']}"
    return answer(x, 201, shown)


def result_facts(_x: Exchange) -> Facts:
    """A read."""
    return Facts("read")


def result(x: Exchange) -> Answer:
    """`GET /sessions/{sessionId}?sessionResult=…`: active until its hour is over, then expired."""
    session = x.store.get(SESSIONS, x.params["sessionId"])
    if session is None or not x.request.query.get("sessionResult"):
        errors.refuse(422, "14_018", "Invalid payload provided")
    status = "active" if x.account.now() < session["until"] else "expired"
    return Answer.json(200, {"id": session["id"], "reference": session["reference"], "status": status})
