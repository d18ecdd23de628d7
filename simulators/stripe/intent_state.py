"""Refusals that depend on an intent's state, in Stripe's words."""

from collections.abc import Iterable

from simulators.stripe.errors import StripeError, invalid
from simulators.stripe.objects import Json

_PARTICIPLE = {
    "confirm": "confirmed",
    "capture": "captured",
    "cancel": "canceled",
    "update": "updated",
    "increment": "incremented",
}


def unexpected_state(intent: Json, verb: str, allowed: Iterable[str]) -> StripeError:
    """400 `payment_intent_unexpected_state` (or the setup intent's): the verb does not go with the status."""
    kind = intent["object"]
    name = "PaymentIntent" if kind == "payment_intent" else "SetupIntent"
    message = (
        f"This {name} could not be {_PARTICIPLE[verb]} because it has a status of {intent['status']}. Only a {name} "
        f"with one of the following statuses may be {_PARTICIPLE[verb]}: {', '.join(allowed)}."
    )
    refusal = invalid(message, code=f"{kind}_unexpected_state")
    refusal.body[kind] = intent
    return refusal.after_execution()
