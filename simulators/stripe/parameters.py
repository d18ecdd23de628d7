"""The parameters of every operation, by name and type, as the public API reference lists them (payments subset).

`Anything` marks parameters that the real API has, that are accepted here and change nothing; `Refused` marks those that
would move money in a way this simulator does not know. The README lists both.
"""

from collections.abc import Mapping

from simulators.stripe.lists import CREATED, PAGE
from simulators.stripe.params import (
    Anything,
    Choice,
    Flag,
    Hash,
    Listed,
    Metadata,
    Reader,
    Refused,
    Text,
    Whole,
)  # fmt: skip

Members = Mapping[str, Reader]

EXPAND: Members = {"expand": Listed(Text())}
ADDRESS: Members = {name: Text(unset=True) for name in ("city", "country", "line1", "line2", "postal_code", "state")}
BILLING = Hash(
    {
        "address": Hash(ADDRESS, unset=True),
        "email": Text(unset=True),
        "name": Text(unset=True),
        "phone": Text(unset=True),
        "tax_id": Text(unset=True),
    }
)
SHIPPING = Hash(
    {
        "address": Hash(ADDRESS, required=True),
        "carrier": Text(unset=True),
        "name": Text(required=True),
        "phone": Text(unset=True),
        "tracking_number": Text(unset=True),
    },
    unset=True,
)
CARD = Hash(
    {
        "number": Text(longest=30),
        "exp_month": Whole(),
        "exp_year": Whole(),
        "cvc": Text(longest=10),
        "token": Text(),
        "networks": Anything(),
    }
)
METHOD_DATA = Hash(
    {
        "type": Text(required=True),
        "card": CARD,
        "billing_details": BILLING,
        "metadata": Metadata(),
        "allow_redisplay": Choice("always", "limited", "unspecified"),
        "radar_options": Anything(),
    }
)
CARD_OPTIONS = Hash(
    {
        "card": Hash(
            {
                "capture_method": Choice("manual", unset=True),
                "cvc_token": Anything(),
                "installments": Refused(),
                "mandate_options": Refused(),
                "mit_exemption": Hash(
                    {"claim_without_transaction_id": Flag(), "network_transaction_id": Text(longest=64)}
                ),
                "moto": Flag(),
                "network": Text(unset=True),
                "request_decremental_authorization": Choice("if_available", "never"),
                "request_extended_authorization": Choice("if_available", "never"),
                "request_incremental_authorization": Choice("if_available", "never"),
                "request_multicapture": Choice("if_available", "never"),
                "request_overcapture": Choice("if_available", "never"),
                "request_three_d_secure": Choice("any", "automatic", "challenge"),
                "require_cvc_recollection": Flag(),
                "setup_future_usage": Choice("none", "off_session", "on_session", unset=True),
                "statement_descriptor_suffix_kana": Text(unset=True),
                "statement_descriptor_suffix_kanji": Text(unset=True),
                "three_d_secure": Hash(
                    {
                        "ares_trans_status": Choice("A", "C", "I", "N", "R", "U", "Y"),
                        "cryptogram": Text(longest=64, required=True),
                        "electronic_commerce_indicator": Choice("01", "02", "05", "06", "07"),
                        "exemption_indicator": Choice("low_risk", "none"),
                        "network_options": Anything(),
                        "requestor_challenge_indicator": Text(longest=2),
                        "transaction_id": Text(longest=64, required=True),
                        "version": Choice("1.0.2", "2.1.0", "2.2.0", "2.3.0", "2.3.1", required=True),
                    }
                ),
            }
        )
    }
)
MANDATE_DATA = Hash(
    {
        "customer_acceptance": Hash(
            {
                "accepted_at": Whole(),
                "offline": Anything(),
                "online": Hash({"ip_address": Text(), "user_agent": Text()}),
                "type": Choice("offline", "online", required=True),
            },
            required=True,
        )
    },
    unset=True,
)
OFF_SESSION = Choice("true", "false", "one_off", "recurring")
FUTURE_USAGE = Choice("off_session", "on_session", unset=True)
CAPTURE_METHOD = Choice("automatic", "automatic_async", "manual")
PLATFORM: Members = {
    "application_fee_amount": Refused(),
    "on_behalf_of": Refused(),
    "transfer_data": Refused(),
}
INTENT_COMMON: Members = {
    **EXPAND,
    **PLATFORM,
    "amount_details": Anything(),
    "customer": Text(unset=True),
    "customer_account": Refused(),
    "description": Text(unset=True, longest=1000),
    "excluded_payment_method_types": Anything(),
    "hooks": Anything(),
    "metadata": Metadata(),
    "payment_details": Anything(),
    "payment_method": Text(unset=True),
    "payment_method_configuration": Anything(),
    "payment_method_data": METHOD_DATA,
    "payment_method_options": CARD_OPTIONS,
    "payment_method_types": Listed(Text()),
    "receipt_email": Text(unset=True),
    "setup_future_usage": FUTURE_USAGE,
    "shipping": SHIPPING,
    "statement_descriptor": Text(unset=True, longest=22),
    "statement_descriptor_suffix": Text(unset=True, longest=22),
    "transfer_group": Text(unset=True),
}
CONFIRM_ONLY: Members = {
    "confirmation_token": Refused(),
    "error_on_requires_action": Flag(),
    "mandate": Text(),
    "mandate_data": MANDATE_DATA,
    "off_session": OFF_SESSION,
    "radar_options": Anything(),
    "return_url": Text(),
    "use_stripe_sdk": Flag(),
}
AUTOMATIC = Hash({"enabled": Flag(required=True), "allow_redirects": Choice("always", "never")})
INTENT_CREATE: Members = {
    **INTENT_COMMON,
    **CONFIRM_ONLY,
    "amount": Whole(required=True),
    "automatic_payment_methods": AUTOMATIC,
    "capture_method": CAPTURE_METHOD,
    "confirm": Flag(),
    "confirmation_method": Choice("automatic", "manual"),
    "currency": Text(required=True, longest=3),
    "managed_payments": Anything(),
}
INTENT_UPDATE: Members = {
    **INTENT_COMMON,
    "amount": Whole(),
    "capture_method": CAPTURE_METHOD,
    "currency": Text(longest=3),
}
INTENT_CONFIRM: Members = {
    **EXPAND,
    **CONFIRM_ONLY,
    "amount_details": Anything(),
    "capture_method": CAPTURE_METHOD,
    "client_secret": Text(),
    "hooks": Anything(),
    "payment_details": Anything(),
    "payment_method": Text(),
    "payment_method_data": METHOD_DATA,
    "payment_method_options": CARD_OPTIONS,
    "payment_method_types": Listed(Text()),
    "receipt_email": Text(unset=True),
    "setup_future_usage": FUTURE_USAGE,
    "shipping": SHIPPING,
}
INTENT_CAPTURE: Members = {
    **EXPAND,
    "amount_details": Anything(),
    "amount_to_capture": Whole(),
    "application_fee_amount": Refused(),
    "final_capture": Flag(),
    "hooks": Anything(),
    "metadata": Metadata(),
    "payment_details": Anything(),
    "statement_descriptor": Text(unset=True, longest=22),
    "statement_descriptor_suffix": Text(unset=True, longest=22),
    "transfer_data": Refused(),
}
INTENT_INCREMENT: Members = {
    **EXPAND,
    "amount": Whole(required=True),
    "amount_details": Anything(),
    "application_fee_amount": Refused(),
    "description": Text(longest=1000),
    "hooks": Anything(),
    "metadata": Metadata(),
    "payment_details": Anything(),
    "statement_descriptor": Text(longest=22),
    "transfer_data": Refused(),
}
INTENT_CANCEL: Members = {
    **EXPAND,
    "cancellation_reason": Choice("duplicate", "fraudulent", "requested_by_customer", "abandoned"),
}
INTENT_LIST: Members = {**PAGE, **CREATED, "customer": Text(), "customer_account": Anything()}
INTENT_READ: Members = {**EXPAND, "client_secret": Text()}
SEARCH: Members = {**EXPAND, "limit": Whole(), "page": Text(), "query": Text(required=True)}

CHARGE_LIST: Members = {**PAGE, **CREATED, "customer": Text(), "payment_intent": Text(), "transfer_group": Text()}
CHARGE_UPDATE: Members = {
    **EXPAND,
    "customer": Refused(),
    "description": Text(unset=True),
    "fraud_details": Anything(),
    "metadata": Metadata(),
    "receipt_email": Text(unset=True),
    "shipping": Anything(),
    "transfer_group": Text(unset=True),
}
CHARGE_CAPTURE: Members = {
    **EXPAND,
    "amount": Whole(),
    "application_fee": Refused(),
    "application_fee_amount": Refused(),
    "receipt_email": Anything(),
    "statement_descriptor": Anything(),
    "statement_descriptor_suffix": Anything(),
    "transfer_data": Refused(),
    "transfer_group": Anything(),
}

REFUND_CREATE: Members = {
    **EXPAND,
    "amount": Whole(),
    "charge": Text(),
    "currency": Text(longest=3),
    "customer": Refused(),
    "instructions_email": Anything(),
    "metadata": Metadata(),
    "origin": Refused(),
    "payment_intent": Text(),
    "reason": Choice("duplicate", "fraudulent", "requested_by_customer"),
    "refund_application_fee": Refused(),
    "reverse_transfer": Refused(),
}
REFUND_LIST: Members = {**PAGE, **CREATED, "charge": Text(), "payment_intent": Text()}
METADATA_UPDATE: Members = {**EXPAND, "metadata": Metadata()}
