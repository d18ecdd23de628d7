"""The wire objects that hold money: payment intents, charges, refunds, balance transactions. Amounts in minor units.

As in `objects`: complete field sets, values that are replaced and never changed in place. The big dictionaries are
written out as literals because building one is the cheapest way to answer (about a microsecond each).
"""

from typing import Any

from simulators.stripe.declines import Decline
from simulators.stripe.objects import Json

NO_TIP: Json = {"tip": {}}
MULTICAPTURE_BRANDS = frozenset(["amex", "visa", "discover", "mastercard", "diners", "unionpay", "jcb"])
"""Networks with multicapture, from Stripe's public "Capture a payment multiple times" page."""


def payment_intent(
    identifier: str, created: int, secret: str, amount: int, currency: str, capture_method: str, options: Json
) -> Json:
    """A `payment_intent` that has no payment method yet."""
    return {
        "id": identifier,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": NO_TIP,
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": capture_method,
        "client_secret": secret,
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency,
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "managed_payments": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": options,
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def card_options(given: Json) -> Json:
    """`payment_method_options.card` as the intent shows it: four fields always, the others when asked for."""
    return {
        "card": {
            "installments": None,
            "mandate_options": None,
            "network": None,
            "request_three_d_secure": "automatic",
            **given,
        }
    }


DEFAULT_OPTIONS = card_options({})

APPROVED: Json = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 12,
    "seller_message": "Payment complete.",
    "type": "authorized",
}


def declined_outcome(decline: Decline) -> Json:
    """`charge.outcome` of a decline: by the issuer, or blocked before it was asked."""
    return {
        "advice_code": decline.advice,
        "network_advice_code": decline.network_advice,
        "network_decline_code": decline.network_code,
        "network_status": "declined_by_network" if decline.by_network else "not_sent_to_network",
        "reason": decline.decline_code or decline.code,
        "risk_level": "normal" if decline.by_network else "highest",
        "risk_score": 12 if decline.by_network else 90,
        "seller_message": "The bank did not return any further details with this decline."
        if decline.by_network
        else "The payment was blocked.",
        "type": "issuer_declined" if decline.by_network else "blocked",
    }


def card_details(
    method: Json,
    amount: int,
    *,
    cvc_check: str | None,
    multicapture: bool,
    incremental: bool,
    three_ds: Json | None,
    network_id: str | None,
) -> Json:
    """`charge.payment_method_details` of a card payment."""
    card = method["card"]
    return {
        "card": {
            "amount_authorized": amount,
            "authorization_code": network_id and network_id[-6:],
            "brand": card["brand"],
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": cvc_check},
            "country": card["country"],
            "exp_month": card["exp_month"],
            "exp_year": card["exp_year"],
            "extended_authorization": {"status": "disabled"},
            "fingerprint": card["fingerprint"],
            "funding": card["funding"],
            "incremental_authorization": {"status": "available" if incremental else "unavailable"},
            "installments": None,
            "last4": card["last4"],
            "mandate": None,
            "multicapture": {"status": "available" if multicapture else "unavailable"},
            "network": card["brand"],
            "network_token": {"used": False},
            "network_transaction_id": network_id,
            "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
            "regulated_status": "unregulated",
            "three_d_secure": three_ds,
            "transaction_link_id": None,
            "wallet": None,
        },
        "type": "card",
    }


def charge(identifier: str, created: int, intent: Json, method: Json, details: Json, receipt: str) -> Json:
    """A `charge` that succeeded and holds the whole amount uncaptured. `receipt` is the receipt page's URL."""
    return {
        "id": identifier,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "PAYERA SIMULATOR",
        "captured": False,
        "created": created,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "on_behalf_of": None,
        "outcome": APPROVED,
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": details,
        "presentment_details": None,
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": receipt,
        "refunded": False,
        "review": None,
        "shipping": intent["shipping"],
        "source": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": intent["transfer_group"],
    }


def refund(
    identifier: str, created: int, of: Json, amount: int, *, reason: str | None, metadata: dict[str, str]
) -> Json:
    """A `refund` of the charge `of` that succeeded."""
    return {
        "id": identifier,
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": of["id"],
        "created": created,
        "currency": of["currency"],
        "customer": of["customer"],
        "customer_account": None,
        "destination_details": {
            "card": {
                "reference": None,
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": metadata,
        "payment_intent": of["payment_intent"],
        "payment_method": of["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def balance_transaction(
    identifier: str, created: int, source: Json, kind: str, amount: int, fee: int, category: str, available_on: int
) -> Json:
    """A `balance_transaction` of what `source` moved: `net` is `amount` less `fee`, all in minor units."""
    currency = source["currency"]
    details = [
        {"amount": fee, "application": None, "currency": currency, "description": "Stripe processing fees",
         "type": "stripe_fee"}
    ]  # fmt: skip
    return {
        "id": identifier,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": available_on,
        "balance_type": "payments",
        "created": created,
        "currency": currency,
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details if fee else [],
        "net": amount - fee,
        "reporting_category": category,
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }


def error_of(decline: Decline, charge_id: str | None, method: Json, network: bool = True) -> dict[str, Any]:
    """The `card_error` of a decline, as in the answer and in `last_payment_error`."""
    body: dict[str, Any] = {}
    if decline.advice is not None:
        body["advice_code"] = decline.advice
    if charge_id is not None:
        body["charge"] = charge_id
    body["code"] = decline.code
    if decline.decline_code is not None:
        body["decline_code"] = decline.decline_code
    body["doc_url"] = "https://stripe.com/docs/error-codes/" + decline.code.replace("_", "-")
    body["message"] = decline.message
    if network and decline.network_advice is not None:
        body["network_advice_code"] = decline.network_advice
    if network and decline.network_code is not None:
        body["network_decline_code"] = decline.network_code
    if decline.param is not None:
        body["param"] = decline.param
    body["payment_method"] = method
    body["type"] = "card_error"
    return body
