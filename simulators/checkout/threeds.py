"""3D Secure: what the request asks, what the card's bank answers, and the pages on which the shopper answers.

The pages belong to the simulator, not to the API: the redirect's address, a plain form that a person or a headless
browser can use, and back to the shop with `cko-session-id`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from simulators.checkout import movements
from simulators.checkout.params import Fields
from simulators.kit.accounts import Account, World
from simulators.kit.exchange import Exchange, Verdict
from simulators.kit.http import Answer, Request
from simulators.kit.routing import Route

Json = dict[str, Any]

PASSWORD = "Checkout1!"  # noqa: S105 - published for the sandbox's challenge page
EXEMPTIONS = (
    "low_value", "secure_corporate_payment", "trusted_listing", "trusted_listing_prompt", "data_share",
    "transaction_risk_assessment", "3ds_outage", "sca_delegation", "out_of_sca_scope", "other", "low_risk_program",
    "recurring_operation",
)  # fmt: skip
INDICATORS = ("no_preference", "no_challenge_requested", "challenge_requested", "challenge_requested_mandate")
VERSION = "2.2.0"
RESULTS = {"challenge": "C", "frictionless": "Y", "attempted": "A", "not_authenticated": "N", "rejected": "R",
           "unavailable": "U"}  # fmt: skip
"""Outcomes of the rules and the transaction status behind each (EMV 3DS: C = the shopper is challenged)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The `3ds` of a request. `own`: the merchant authenticated elsewhere and sends the result."""

    enabled: bool
    attempt_n3d: bool
    exemption: str | None
    own: Json | None


@dataclass(frozen=True, slots=True)
class Step:
    """What follows: a decline, a redirect (with the result that waits behind it), or neither."""

    shown: Json | None = None
    eci: str | None = None
    decline: str | None = None
    redirect: str | None = None


def read(fields: Fields) -> Asked:
    """Read the `3ds` object."""
    inner = fields.inside("3ds", "3ds_")
    exemption = inner.choice("exemption", EXEMPTIONS)
    inner.choice("challenge_indicator", INDICATORS)
    eci = inner.text("eci", 2)
    cryptogram = inner.text("cryptogram", 50)
    xid = inner.text("xid", 100)
    version = inner.text("version", 10)
    own = {"eci": eci, "cryptogram": cryptogram, "xid": xid, "version": version} if eci and cryptogram else None
    return Asked(inner.flag("enabled", False), inner.flag("attempt_n3d", False), exemption, own)


def decide(asked: Asked, verdict: Verdict) -> Step:
    """What 3D Secure does to a payment. The outcome `challenge` asks the shopper whatever the request says."""
    outcome = verdict.outcome if verdict.outcome in RESULTS or verdict.outcome == "not_enrolled" else None
    shown: Json = {"downgraded": False, "enrolled": "Y", "version": VERSION}
    if asked.exemption is not None:
        shown["exemption"] = asked.exemption
    if asked.own is not None and asked.enabled:
        known = {key: value for key, value in asked.own.items() if key != "eci" and value is not None}
        return Step(shown | {"authentication_response": "Y"} | known, asked.own["eci"])
    if not asked.enabled and outcome != "challenge":
        return Step()
    if outcome == "not_enrolled":
        del shown["version"]
        if asked.attempt_n3d:
            return Step(shown | {"downgraded": True, "enrolled": "N"})
        return Step(shown | {"enrolled": "N"}, decline="20150")
    return Step(shown, redirect=RESULTS[outcome or "challenge"])


# -- pages
def _owner(world: World, _request: Request, params: Mapping[str, str]) -> Account | None:
    """The account whose payment this is: pages carry no key."""
    for account in world.accounts.values():
        if _found(account, params["session"]) is not None:
            return account
    return None


def _found(account: Account, session: str) -> Json | None:
    """By the session, as the redirect names it, or by the payment's own id."""
    if (found := account.store.get("payments", session)) is not None:
        return found
    return next(iter(account.store.find("payments", "session", session)), None)


def _page(title: str, body: str, status: int = 200) -> Answer:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return Answer(status, text.encode(), {}, "text/html; charset=utf-8")


def _payment(x: Exchange) -> Json:
    found = _found(x.account, x.params["session"])
    assert found is not None, "the account was found by it"
    return found


def show(x: Exchange) -> Answer:
    """GET /3ds/{session}: the challenge, or straight back where the bank needs nothing from the shopper."""
    payment = _payment(x)
    if payment["challenge"] is None:
        return _page("Nothing to authenticate", "<p>This payment does not wait for the shopper.</p>", 409)
    if payment["challenge"]["result"] != "C":
        movements.authenticated(
            x.account, payment["id"], {"status": payment["challenge"]["result"], "challenged": False}
        )
        return _back(x)
    return _page(
        "3D Secure authentication",
        f"<p>{payment['amount']} minor units of {escape(payment['currency'])}, "
        f"card ending in {escape(payment['source']['card']['last4'])}</p>"
        '<form method="post"><label>Password <input type="password" name="password"></label> '
        '<button name="result" value="password">Continue</button> '
        '<button name="result" value="complete">Complete</button> '
        '<button name="result" value="fail">Fail</button> '
        '<button name="result" value="cancel">Cancel</button></form>',
    )


def answer(x: Exchange) -> Answer:
    """POST /3ds/{session} with `result` complete, fail or cancel, or with the sandbox's `password`."""
    payment = _payment(x)
    if payment["challenge"] is None:
        return _page("Nothing to authenticate", "<p>This payment does not wait for the shopper.</p>", 409)
    form = parse_qs(x.request.body.decode("latin-1"))
    result, password = form.get("result", ["password"])[0], form.get("password", [""])[0]
    if result == "password":
        result = "complete" if password == PASSWORD else "fail"
    if result not in ("complete", "fail", "cancel"):
        return _page("Unknown result", "<p>Send result=complete, fail or cancel.</p>", 400)
    if result == "cancel":
        movements.cancel(x.account, payment["id"], {})
    else:
        movements.authenticated(x.account, payment["id"], {"status": "Y" if result == "complete" else "N"})
    return _back(x)


def _back(x: Exchange) -> Answer:
    """To the shop: `success_url` if the payment stands, else `failure_url`, with the session's id."""
    payment = _payment(x)
    target = payment["success_url"] if payment["approved"] else payment["failure_url"]
    if target is None:
        return _page("Done", "<p>You may close this page.</p>")
    parts = urlsplit(target)
    more = urlencode({"cko-session-id": payment["session"]})
    query = f"{parts.query}&{more}" if parts.query else more
    return Answer(303, b"", {"location": urlunsplit(parts._replace(query=query))}, "text/html; charset=utf-8")


PAGES = (
    Route("GET", "/3ds/{session}", show, account=_owner),
    Route("POST", "/3ds/{session}", answer, account=_owner),
)
