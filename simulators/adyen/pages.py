"""Pages that a shopper meets: redirect, challenge, device fingerprint. Plain forms: one POST acts as a shopper.

The password of a challenge is `password`, as in Adyen's 3D Secure tests; anything else fails it.
"""

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from simulators.adyen import flows, movements, standing
from simulators.kit.accounts import Account, World
from simulators.kit.exchange import Exchange
from simulators.kit.http import Answer, Request
from simulators.kit.routing import Route

Json = dict[str, Any]
PASSWORD = "password"  # noqa: S105 - Adyen publishes it
_HTML = "text/html; charset=utf-8"


def _owner(world: World, _request: Request, params: Mapping[str, str]) -> Account | None:
    """The account that holds the payment in the path: pages carry no key."""
    for account in world.accounts.values():
        if (standing.PAYMENTS, params["id"]) in account.store:
            return account
    return None


def _page(title: str, body: str, status: int = 200) -> Answer:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return Answer(status, text.encode(), {}, _HTML)


def _waiting(x: Exchange) -> Json | None:
    payment = x.store.get(standing.PAYMENTS, x.params["id"])
    return payment if payment is not None and payment["state"] == "action" else None


def _over() -> Answer:
    return _page("Nothing to do", "<p>This payment does not wait for the shopper.</p>", 409)


def _what(payment: Json) -> str:
    return (
        f"<p>{payment['authorised']} {escape(payment['currency'])} in minor units, {escape(payment['reference'])}</p>"
    )


_CHALLENGE = (
    '<form method="post"><label>Password <input name="password" type="password" autocomplete="off"></label> '
    '<button name="result" value="submit">Submit</button> <button name="result" value="cancel">Cancel</button></form>'
)
_BANK = (
    '<form method="post"><button name="result" value="authorised">Pay</button> '
    '<button name="result" value="refused">Refuse</button> <button name="result" value="cancel">Cancel</button></form>'
)


def show(x: Exchange) -> Answer:
    """`GET /simulator/redirect/{id}` and `GET /simulator/challenge/{id}`"""
    payment = _waiting(x)
    if payment is None:
        return _over()
    if payment["card"] is None:
        return _page("Pay at your bank", _what(payment) + _BANK)
    return _page("3D Secure authentication", _what(payment) + _CHALLENGE)


def _acted(x: Exchange, payment: Json) -> str:
    """What the form says: a transStatus, or `cancelled`."""
    form = parse_qs(x.request.body.decode("latin-1"))
    result = form.get("result", [""])[0]
    if result == "cancel":
        return "cancelled"
    if payment["card"] is None:
        return "Y" if result == "authorised" else "N"
    return "Y" if form.get("password", [""])[0] == PASSWORD else "N"


_ACTIONS = {
    "Y": movements.authenticate,
    "N": movements.fail_authentication,
    "cancelled": movements.cancel_authentication,
}


def leave(x: Exchange) -> Answer:
    """`POST /simulator/redirect/{id}`: back to the shop with `redirectResult`."""
    payment = _waiting(x)
    if payment is None:
        return _over()
    _ACTIONS[_acted(x, payment)](x.account, payment["id"], {})
    parts = urlsplit(payment["return_url"])
    more = urlencode({"redirectResult": payment["continuation"]})
    query = f"{parts.query}&{more}" if parts.query else more
    return Answer(303, b"", {"location": urlunsplit(parts._replace(query=query))}, _HTML)


def challenge(x: Exchange) -> Answer:
    """`POST /simulator/challenge/{id}`: shows the `threeDSResult` that a component would send on."""
    payment = _waiting(x)
    if payment is None:
        return _over()
    done = _acted(x, payment)
    _ACTIONS[done](x.account, payment["id"], {})
    result = flows.challenge_result(payment, "Y" if done == "Y" else "N")
    return _page("Challenge done", f'<p>threeDSResult: <code id="threeDSResult">{escape(result)}</code></p>')


def method(x: Exchange) -> Answer:
    """`GET` or `POST /simulator/method/{id}`: the issuer looks at the device; nothing to see."""
    return _over() if _waiting(x) is None else _page("Device fingerprint", "<p>Done.</p>")


PAGES = (
    Route("GET", "/simulator/redirect/{id}", show, operation="read", account=_owner),
    Route("POST", "/simulator/redirect/{id}", leave, account=_owner),
    Route("GET", "/simulator/challenge/{id}", show, operation="read", account=_owner),
    Route("POST", "/simulator/challenge/{id}", challenge, account=_owner),
    Route("GET", "/simulator/method/{id}", method, operation="read", account=_owner),
    Route("POST", "/simulator/method/{id}", method, account=_owner),
)
