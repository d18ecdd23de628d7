"""Stripe's states: the common ones, its challenge, and its notifications."""

import json
from collections.abc import Mapping

from contracts.kit.consumer import Json
from contracts.kit.states import COMMON, Psp, State, Values, notifies


def challenge(psp: Psp, _: Json) -> Values:
    """The issuer wants the shopper to authenticate."""
    psp.fault("authorize", {"action": "outcome", "name": "requires_action"})
    return {}


def canceled_elsewhere(psp: Psp, _: Json) -> Values:
    """Somebody canceled the authorization under another key."""
    psp.do("void", parent_reference=psp.known["payment"], operation_id="void_01another")
    return {}


STATES: Mapping[str, State] = {
    **COMMON,
    "the issuer wants a challenge": challenge,
    "somebody else canceled it": canceled_elsewhere,
    "it notifies of": notifies(lambda event: str(event["type"]), json.loads),
}
