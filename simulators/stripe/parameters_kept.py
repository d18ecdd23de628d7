"""The parameters of what is kept for later: payment methods, customers, setups, events, endpoints. See `parameters`."""

from simulators.stripe.lists import CREATED, PAGE
from simulators.stripe.parameters import (
    ADDRESS,
    AUTOMATIC,
    BILLING,
    CARD,
    CARD_OPTIONS,
    EXPAND,
    MANDATE_DATA,
    METHOD_DATA,
    Members,
)
from simulators.stripe.params import Anything, Choice, Flag, Hash, Listed, Metadata, Refused, Text, Whole

METHOD_CREATE: Members = {
    **EXPAND,
    "allow_redisplay": Choice("always", "limited", "unspecified"),
    "billing_details": BILLING,
    "card": CARD,
    "customer": Refused(),
    "metadata": Metadata(),
    "payment_method": Text(),
    "radar_options": Anything(),
    "type": Text(),
}
METHOD_UPDATE: Members = {
    **EXPAND,
    "allow_redisplay": Choice("always", "limited", "unspecified"),
    "billing_details": BILLING,
    "card": Hash({"exp_month": Whole(), "exp_year": Whole(), "networks": Anything()}),
    "metadata": Metadata(),
}
METHOD_ATTACH: Members = {**EXPAND, "customer": Text(required=True)}
METHOD_LIST: Members = {
    **PAGE,
    "allow_redisplay": Anything(),
    "customer": Text(),
    "customer_account": Anything(),
    "type": Text(),
}

CUSTOMER_COMMON: Members = {
    **EXPAND,
    "address": Hash(ADDRESS, unset=True),
    "balance": Whole(),
    "business_name": Anything(),
    "cash_balance": Anything(),
    "coupon": Refused(),
    "description": Text(unset=True),
    "email": Text(unset=True, longest=512),
    "individual_name": Anything(),
    "invoice_prefix": Text(),
    "invoice_settings": Hash(
        {
            "custom_fields": Anything(),
            "default_payment_method": Text(unset=True),
            "footer": Text(unset=True),
            "rendering_options": Anything(),
        }
    ),
    "metadata": Metadata(),
    "name": Text(unset=True),
    "next_invoice_sequence": Whole(),
    "phone": Text(unset=True, longest=20),
    "preferred_locales": Listed(Text(), unset=True),
    "promotion_code": Refused(),
    "shipping": Hash(
        {"address": Hash(ADDRESS, required=True), "name": Text(required=True), "phone": Text(unset=True)}, unset=True
    ),
    "source": Refused(),
    "tax": Anything(),
    "tax_exempt": Choice("exempt", "none", "reverse", unset=True),
}
CUSTOMER_CREATE: Members = {
    **CUSTOMER_COMMON,
    "payment_method": Text(),
    "tax_id_data": Anything(),
    "test_clock": Refused(),
}
CUSTOMER_UPDATE: Members = {**CUSTOMER_COMMON, "default_source": Refused()}
CUSTOMER_LIST: Members = {**PAGE, **CREATED, "email": Text(), "test_clock": Anything()}

SETUP_COMMON: Members = {
    **EXPAND,
    "attach_to_self": Refused(),
    "customer": Text(unset=True),
    "customer_account": Refused(),
    "description": Text(unset=True),
    "excluded_payment_method_types": Anything(),
    "flow_directions": Anything(),
    "metadata": Metadata(),
    "payment_method": Text(unset=True),
    "payment_method_configuration": Anything(),
    "payment_method_data": METHOD_DATA,
    "payment_method_options": CARD_OPTIONS,
    "payment_method_types": Listed(Text()),
}
SETUP_CONFIRM: Members = {
    **EXPAND,
    "client_secret": Text(),
    "confirmation_token": Refused(),
    "mandate_data": MANDATE_DATA,
    "payment_method": Text(),
    "payment_method_data": METHOD_DATA,
    "payment_method_options": CARD_OPTIONS,
    "return_url": Text(),
    "use_stripe_sdk": Flag(),
}
SETUP_CREATE: Members = {
    **SETUP_COMMON,
    "automatic_payment_methods": AUTOMATIC,
    "confirm": Flag(),
    "confirmation_token": Refused(),
    "mandate_data": MANDATE_DATA,
    "on_behalf_of": Refused(),
    "return_url": Text(),
    "single_use": Refused(),
    "usage": Choice("off_session", "on_session"),
    "use_stripe_sdk": Flag(),
}
SETUP_CANCEL: Members = {
    **EXPAND,
    "cancellation_reason": Choice("abandoned", "duplicate", "requested_by_customer"),
}
SETUP_LIST: Members = {
    **PAGE,
    **CREATED,
    "attach_to_self": Anything(),
    "customer": Text(),
    "customer_account": Anything(),
    "payment_method": Text(),
}

EVENT_LIST: Members = {
    **PAGE,
    **CREATED,
    "delivery_success": Anything(),
    "type": Text(),
    "types": Listed(Text()),
}
ENDPOINT_CREATE: Members = {
    **EXPAND,
    "api_version": Text(),
    "connect": Refused(),
    "description": Text(unset=True),
    "enabled_events": Listed(Text(), required=True),
    "metadata": Metadata(),
    "url": Text(required=True),
}
ENDPOINT_UPDATE: Members = {
    **EXPAND,
    "description": Text(unset=True),
    "disabled": Flag(),
    "enabled_events": Listed(Text()),
    "metadata": Metadata(),
    "url": Text(),
}
