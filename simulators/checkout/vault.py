"""Tokens, instruments and customers."""

from typing import Any

from simulators.checkout import cards, errors, wire
from simulators.checkout.params import Fields
from simulators.kit.accounts import iso
from simulators.kit.exchange import Exchange
from simulators.kit.http import Answer

Json = dict[str, Any]


def _shown(fields: Json) -> Json:
    return {key: value for key, value in fields.items() if value is not None}


# -- tokens
def create_token(x: Exchange) -> Answer:
    """POST /tokens, with a public key"""
    fields = Fields(x.body)
    if not fields.has("type"):
        fields.wrong("token_type", "required")
    elif x.body["type"] != "card":
        fields.wrong("token_type")
    else:
        fields.card(cards.month(x.account))
    address, phone = fields.address("billing_address"), fields.phone()
    fields.refuse()
    card = x.card(x.body["number"], x.body["expiry_month"], x.body["expiry_year"], x.body.get("name"))
    expires = x.account.clock.now() + cards.TOKEN_S
    token = {
        "id": wire.new_id(x.account, "tok_"),
        "card": card,
        "cvv_check": cards.cvv_result(x.body.get("cvv")),
        "billing_address": address,
        "phone": phone,
        "expires": expires,
        "used": False,
    }
    x.store.put("tokens", token)
    found = {"type": "card", "token": token["id"], "expires_on": iso(expires), **cards.details(card)}
    del found["fingerprint"]  # a token is made in the shopper's browser, which is not told it
    return wire.answer(201, found | _shown({"billing_address": address, "phone": phone}))


# -- instruments
def create_instrument(x: Exchange) -> Answer:
    """POST /instruments, from a token or a card"""
    fields = Fields(x.body)
    kind = fields.body.get("type")
    card: Json | None = None
    if kind == "token":
        card = _of_token(x, fields)
    elif kind == "card":
        fields.card(cards.month(x.account))
    elif kind is None:
        fields.wrong("type", "required")
    else:
        fields.wrong("type")
    holder = _holder(fields)
    customer = _customer_of(x, fields)
    fields.refuse()
    if card is None:
        name = " ".join((holder or {}).get(part, "") for part in ("first_name", "last_name")).strip() or None
        card = x.card(x.body["number"], x.body["expiry_month"], x.body["expiry_year"], name)
    owner = _keep_owner(x, customer)
    made = cards.add(x.account, card, owner, holder)
    if owner is not None and (x.body.get("customer") or {}).get("default") is True:
        kept = x.store.get("customers", owner)
        assert kept is not None, "its instrument was just added to it"
        x.store.put("customers", {**kept, "default": made["id"]})
    found = {"id": made["id"], "type": "card", **cards.details(card)}
    found.pop("name", None)
    return wire.answer(201, found | _shown({"customer": _owner_view(x, owner)}))


def _of_token(x: Exchange, fields: Fields) -> Json | None:
    token = fields.text("token", required=True)
    kept = x.store.get("tokens", token) if token is not None else None
    if kept is None:
        if token is not None:
            fields.wrong("token_invalid", "")
    elif kept["used"]:
        fields.wrong("token_used", "")
    elif x.account.clock.now() > kept["expires"]:
        fields.wrong("token_expired", "")
    else:
        x.store.put("tokens", {**kept, "used": True})
        card: Json = kept["card"]
        return card
    return None


def _holder(fields: Fields) -> Json | None:
    if not fields.has("account_holder"):
        return None
    inner = fields.inside("account_holder")
    for name in ("first_name", "last_name"):
        inner.text(name)
    inner.address("billing_address")
    inner.phone()
    wanted = ("first_name", "last_name", "billing_address", "phone")
    return {name: inner.body[name] for name in wanted if inner.has(name)}


def _customer_of(x: Exchange, fields: Fields) -> Json | None:
    """`{id}` of a known customer, or `{email, name}` of one to find or make."""
    if not fields.has("customer"):
        return None
    inner = fields.inside("customer", "customer_")
    known = inner.text("id")
    email, name = inner.email("customer_email_invalid"), inner.text("name")
    inner.flag("default", False)
    if known is not None and ("customers", known) not in x.store:
        fields.wrong("customer_not_found", "")
    if known is None and email is None:
        fields.wrong("customer_email", "required")
    return {"id": known, "email": email, "name": name, "phone": inner.phone()}


def _keep_owner(x: Exchange, customer: Json | None) -> str | None:
    if customer is None:
        return None
    if customer["id"] is not None:
        return str(customer["id"])
    for known in x.store.find("customers", "email", customer["email"]):
        return str(known["id"])
    return _add_customer(x, customer["email"], customer["name"], customer["phone"], None)


def _owner_view(x: Exchange, owner: str | None, *, instrument: str | None = None) -> Json | None:
    kept = x.store.get("customers", owner) if owner is not None else None
    if kept is None:
        return None
    view = _shown({"id": kept["id"], "email": kept["email"], "name": kept["name"]})
    return view | ({"default": kept["default"] == instrument} if instrument is not None else {})


def _instrument(x: Exchange) -> Json:
    return x.store.get("instruments", x.params["id"]) or errors.not_found()


def get_instrument(x: Exchange) -> Answer:
    """GET /instruments/{id}"""
    kept = _instrument(x)
    found = {"id": kept["id"], "type": "card", **cards.details(kept["card"])}
    customer = _owner_view(x, kept["customer"], instrument=kept["id"])
    return wire.answer(200, found | _shown({"customer": customer, "account_holder": kept["account_holder"]}))


def update_instrument(x: Exchange) -> Answer:
    """PATCH /instruments/{id}: expiry, name, holder, customer"""
    kept = _instrument(x)
    fields = Fields(x.body)
    fields.choice("type", ("card", "bank_account", "token"))
    month = fields.whole("expiry_month", 1, 12)
    year = fields.whole("expiry_year", 1000, 9999)
    name = fields.text("name")
    holder = _holder(fields)
    owner = _new_owner(x, fields)
    fields.refuse()
    card = kept["card"]
    changed = {"exp_month": month, "exp_year": year, "name": name}
    kept["card"] = card | {key: value for key, value in changed.items() if value is not None}
    kept["account_holder"] = {**(kept["account_holder"] or {}), **holder} if holder else kept["account_holder"]
    x.store.put("instruments", kept)
    if owner is not None:
        _move(x, kept, owner)
    return wire.answer(200, {"type": "card", "fingerprint": cards.fingerprint(card)})


def _new_owner(x: Exchange, fields: Fields) -> Json | None:
    """The customer whom the instrument shall belong to, with `default` as asked."""
    if not fields.has("customer"):
        return None
    inner = fields.inside("customer", "customer_")
    known = inner.text("id", required=True)
    default = inner.flag("default", False)
    owner = x.store.get("customers", known) if known is not None else None
    if owner is None:
        if known is not None:
            fields.wrong("customer_not_found", "")
        return None
    return owner | ({"default": x.params["id"]} if default else {})


def _move(x: Exchange, kept: Json, owner: Json) -> None:
    if kept["customer"] != owner["id"]:
        _forget_instrument(x, kept)
        owner["instruments"] = [*owner["instruments"], kept["id"]]
        owner["default"] = owner["default"] or kept["id"]
    x.store.put("customers", owner)
    x.store.put("instruments", {**kept, "customer": owner["id"]})


def _forget_instrument(x: Exchange, kept: Json) -> None:
    before = x.store.get("customers", kept["customer"]) if kept["customer"] is not None else None
    if before is None:
        return
    before["instruments"] = [one for one in before["instruments"] if one != kept["id"]]
    if before["default"] == kept["id"]:
        before["default"] = next(iter(before["instruments"]), None)
    x.store.put("customers", before)


def delete_instrument(x: Exchange) -> Answer:
    """DELETE /instruments/{id}"""
    kept = _instrument(x)
    _forget_instrument(x, kept)
    x.store.delete("instruments", kept["id"])
    return errors.empty(204)


# -- customers
def _add_customer(x: Exchange, email: str | None, name: str | None, phone: Json | None, metadata: Json | None) -> str:
    customer: Json = {
        "id": wire.new_id(x.account, "cus_"),
        "email": email,
        "name": name,
        "phone": phone,
        "metadata": metadata,
        "default": None,
        "instruments": [],
    }
    x.store.put("customers", customer)
    return str(customer["id"])


def _customer(x: Exchange) -> Json:
    """By id or by e-mail address."""
    wanted = x.params["id"]
    if "@" in wanted:
        return next(iter(x.store.find("customers", "email", wanted)), None) or errors.not_found()
    return x.store.get("customers", wanted) or errors.not_found()


def create_customer(x: Exchange) -> Answer:
    """POST /customers"""
    fields = Fields(x.body)
    email, name = fields.email(required=True), fields.text("name")
    phone, metadata = fields.phone(), fields.metadata()
    if email is not None and x.store.find("customers", "email", email):
        fields.wrong("customer_already_exists", "")
    fields.refuse()
    return wire.answer(201, {"id": _add_customer(x, email, name, phone, metadata)})


def get_customer(x: Exchange) -> Answer:
    """GET /customers/{id or e-mail}"""
    kept = _customer(x)
    instruments = [x.store.get("instruments", one) for one in kept["instruments"]]
    views = [
        {"id": one["id"], "type": "card", **cards.details(one["card"])}
        | _shown({"account_holder": one["account_holder"]})
        for one in instruments
        if one is not None
    ]
    for view in views:
        view.pop("name", None)
    return wire.answer(200, _shown({**kept, "instruments": views}))


def update_customer(x: Exchange) -> Answer:
    """PATCH /customers/{id}"""
    kept = _customer(x)
    fields = Fields(x.body)
    email, name, default = fields.email(), fields.text("name"), fields.text("default")
    phone, metadata = fields.phone(), fields.metadata()
    if email is not None and any(one["id"] != kept["id"] for one in x.store.find("customers", "email", email)):
        fields.wrong("email_in_use", "")
    if default is not None and default not in kept["instruments"]:
        fields.wrong("default")
    fields.refuse()
    changed = {"email": email, "name": name, "phone": phone, "metadata": metadata, "default": default}
    x.store.put("customers", kept | _shown(changed))
    return errors.empty(204)


def delete_customer(x: Exchange) -> Answer:
    """DELETE /customers/{id}: the instruments go with it"""
    kept = _customer(x)
    for one in kept["instruments"]:
        x.store.delete("instruments", one)
    x.store.delete("customers", kept["id"])
    return errors.empty(204)
