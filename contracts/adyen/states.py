"""Adyen's states: the common ones, its redirect, what fails later, and its notifications."""

import json
from collections.abc import Mapping

from contracts.kit.consumer import Json
from contracts.kit.states import COMMON, Psp, State, Values, notifies


def redirect(psp: Psp, _: Json) -> Values:
    """The issuer wants to see the shopper on its page."""
    psp.fault("authorize", {"action": "outcome", "name": "redirect"})
    return {}


def fails_later(psp: Psp, _: Json) -> Values:
    """What was confirmed last did not happen after all."""
    last = psp.control("GET", "/journal")["entries"][-1]
    psp.control("POST", "/settle", {"object": last["object"], "action": "fail"})
    return {}


def _event(body: Json) -> str:
    return str(body["notificationItems"][0]["NotificationRequestItem"]["eventCode"])


STATES: Mapping[str, State] = {
    **COMMON,
    "the issuer redirects": redirect,
    "it fails later": fails_later,
    "it notifies of": notifies(_event, json.loads),
}
