"""The wire objects that hold no money: payment methods, customers, setup intents, events, webhook endpoints.

Every function returns the complete field set of the real object (API version 2023-08-16 and the documented later
fields), nulls included. Objects are values: they are replaced, never changed in place, so an event can keep the
object it speaks of without copying it.
"""

from typing import Any

Json = dict[str, Any]

ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def address(given: Json | None) -> Json:
    """All six lines of an address, null where not given."""
    given = given or {}
    return {line: given.get(line) for line in ADDRESS}


NO_ADDRESS = address(None)
NO_BILLING: Json = {"address": NO_ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None}


def billing_details(given: Json | None) -> Json:
    """Billing details, all fields."""
    if not given:
        return NO_BILLING
    return {**NO_BILLING, **given, "address": address(given.get("address"))}


def payment_method(identifier: str, created: int, card: Json, billing: Json, metadata: dict[str, str]) -> Json:
    """A `payment_method` of type card. `card` comes from `cards.card_from`."""
    return {
        "id": identifier,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing,
        "card": {
            "brand": card["brand"],
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": None if card["cvc_check"] is None else "unchecked",
            },
            "country": card["country"],
            "display_brand": card["brand"],
            "exp_month": card["exp_month"],
            "exp_year": card["exp_year"],
            "fingerprint": card["wire_fingerprint"],
            "funding": card["funding"],
            "generated_from": None,
            "last4": card["last4"],
            "networks": {"available": [card["brand"]], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": created,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": metadata,
        "radar_options": {},
        "type": "card",
    }


def customer(identifier: str, created: int, prefix: str) -> Json:
    """A `customer` with nothing filled in. `prefix` is the invoice prefix, eight characters."""
    return {
        "id": identifier,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": created,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": prefix,
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def setup_intent(identifier: str, created: int, secret: str) -> Json:
    """A `setup_intent` that has no payment method yet."""
    return {
        "id": identifier,
        "object": "setup_intent",
        "application": None,
        "attach_to_self": False,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": secret,
        "created": created,
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "managed_payments": None,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
    }


def setup_attempt(identifier: str, created: int, intent: Json, status: str, error: Json | None) -> Json:
    """One try to confirm a setup intent, seen by expanding `latest_attempt`."""
    return {
        "id": identifier,
        "object": "setup_attempt",
        "application": None,
        "attach_to_self": False,
        "created": created,
        "customer": intent["customer"],
        "customer_account": None,
        "flow_directions": None,
        "livemode": False,
        "on_behalf_of": None,
        "payment_method": intent["payment_method"],
        "payment_method_details": {
            "card": {
                "brand": None, "checks": None, "country": None, "exp_month": None, "exp_year": None,
                "fingerprint": None, "funding": None, "last4": None, "network": None, "three_d_secure": None,
                "wallet": None,
            },
            "type": "card",
        },
        "setup_error": error,
        "setup_intent": intent["id"],
        "status": status,
        "usage": intent["usage"],
    }  # fmt: skip


def event(
    identifier: str, created: int, api_version: str, kind: str, subject: Json, previous: Json | None, request: Json
) -> Json:
    """An `event`. `subject` is the object as it was at that moment; `previous` the fields that an update changed."""
    data: Json = {"object": subject}
    if previous is not None:
        data["previous_attributes"] = previous
    return {
        "id": identifier,
        "object": "event",
        "api_version": api_version,
        "created": created,
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": request,
        "type": kind,
    }


def webhook_endpoint(identifier: str, created: int, url: str, events: list[str]) -> Json:
    """A `webhook_endpoint`, without its secret."""
    return {
        "id": identifier,
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": created,
        "description": None,
        "enabled_events": events,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
    }


def deleted(identifier: str, kind: str) -> Json:
    """What remains of a deleted object."""
    return {"id": identifier, "object": kind, "deleted": True}


def listing(url: str, data: list[Json], has_more: bool) -> Json:
    """A page of objects."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}
