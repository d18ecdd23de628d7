"""Dummypay's states: the common ones, and its notifications."""

import json
from collections.abc import Mapping

from contracts.kit.states import COMMON, State, notifies

STATES: Mapping[str, State] = {**COMMON, "it notifies of": notifies(lambda event: str(event["type"]), json.loads)}
