"""Pages of the simulator that a person can open: the challenge of a payment that needs authentication, a receipt.

They are no part of Stripe's API. The challenge is a plain form, so that a headless browser or one POST can act as the
shopper; the shopper comes back to `return_url` with the parameters that Stripe adds.
"""

from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from simulators.kit.accounts import Account, World
from simulators.kit.exchange import Exchange
from simulators.kit.http import Answer, Request
from simulators.kit.routing import Route
from simulators.stripe.money import format_amount
from simulators.stripe.movements import authenticate, fail_authentication
from simulators.stripe.objects import Json

_HTML = "text/html; charset=utf-8"


def _owner(world: World, _request: Request, params: Mapping[str, str]) -> Account | None:
    """The account that holds the object in the path: pages carry no key."""
    identifier = params["id"]
    for account in world.accounts.values():
        for collection in ("payment_intent", "setup_intent", "charge"):
            if (collection, identifier) in account.store:
                return account
    return None


def _page(title: str, body: str, status: int = 200) -> Answer:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return Answer(status, text.encode(), {}, _HTML)


def _intent(x: Exchange) -> Json | None:
    identifier = x.params["id"]
    return x.store.get("payment_intent", identifier) or x.store.get("setup_intent", identifier)


def show_challenge(x: Exchange) -> Answer:
    """`GET /simulator/authenticate/{id}`."""
    intent = _intent(x)
    if intent is None or intent["status"] != "requires_action":
        return _page("Nothing to authenticate", "<p>This payment does not wait for the shopper.</p>", 409)
    amount = format_amount(intent["amount"], intent["currency"]) if "amount" in intent else "a saved card"
    return _page(
        "3D Secure authentication",
        f"<p>{escape(amount)}</p>"
        '<form method="post"><button name="result" value="complete">Complete</button> '
        '<button name="result" value="fail">Fail</button></form>',
    )


def answer_challenge(x: Exchange) -> Answer:
    """`POST /simulator/authenticate/{id}` with `result=complete` or `result=fail`."""
    intent = _intent(x)
    if intent is None or intent["status"] != "requires_action":
        return _page("Nothing to authenticate", "<p>This payment does not wait for the shopper.</p>", 409)
    result = parse_qs(x.request.body.decode("latin-1")).get("result", [""])[0]
    if result not in ("complete", "fail"):
        return _page("Unknown result", "<p>Send result=complete or result=fail.</p>", 400)
    target = (intent["next_action"].get("redirect_to_url") or {}).get("return_url")
    (authenticate if result == "complete" else fail_authentication)(x.account, intent["id"], {})
    if target is None:
        return _page("Done", "<p>You may close this page.</p>")
    name = intent["object"]
    after = _intent(x) or intent
    good = after["status"] in ("succeeded", "requires_capture", "processing", "requires_confirmation")
    status = "succeeded" if good else "failed"
    more = urlencode({name: intent["id"], f"{name}_client_secret": intent["client_secret"], "redirect_status": status})
    parts = urlsplit(target)
    query = f"{parts.query}&{more}" if parts.query else more
    return Answer(303, b"", {"location": urlunsplit(parts._replace(query=query))}, _HTML)


def show_receipt(x: Exchange) -> Answer:
    """`GET /simulator/receipts/{id}`."""
    charge = x.store.get("charge", x.params["id"])
    if charge is None:
        return _page("No receipt", "<p>There is no such charge.</p>", 404)
    amount = format_amount(charge["amount_captured"] or charge["amount"], charge["currency"])
    card = charge["payment_method_details"]["card"]
    return _page("Receipt", f"<p>{escape(amount)}, {escape(card['brand'])} ending in {escape(card['last4'])}</p>")


def show_file(x: Exchange) -> Answer:
    """`GET /v1/files/{id}/contents`: a report's text, for the key of its account (files.stripe.com at the real PSP)."""
    kept = x.store.get("file_text", x.params["id"])
    if kept is None:
        return _page("No file", "<p>There is no such file.</p>", 404)
    return Answer(200, kept["text"].encode(), {}, "text/csv; charset=utf-8")


PAGES = (
    Route("GET", "/v1/files/{id}/contents", show_file, operation="read"),
    Route("GET", "/simulator/authenticate/{id}", show_challenge, operation="read", account=_owner),
    Route("POST", "/simulator/authenticate/{id}", answer_challenge, account=_owner),
    Route("GET", "/simulator/receipts/{id}", show_receipt, operation="read", account=_owner),
)
