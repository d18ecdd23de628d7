"""Checkout.com's states: the common ones, its redirect, and its notifications."""

import json
from collections.abc import Mapping

from contracts.kit.consumer import Json
from contracts.kit.states import COMMON, Psp, State, Values, notifies


def challenge(psp: Psp, _: Json) -> Values:
    """The issuer wants to see the shopper on its page."""
    psp.fault("authorize", {"action": "outcome", "name": "challenge"})
    return {}


STATES: Mapping[str, State] = {
    **COMMON,
    "the issuer wants a challenge": challenge,
    "it notifies of": notifies(lambda event: str(event["type"]), json.loads),
}
