"""Named places where a test stops or ends this process: `PAYERA_FAILPOINTS`, test profile only.

    send.before=sleep:1.5;apply.before=exit;send.after=sleep:0.2*3

Points of a payment: begin.after, send.before, send.after, apply.before, apply.after. Points of the relay: relay.before
(events claimed, none handed to Kafka), relay.after (acknowledged by Kafka, not marked). `exit` ends the process at
once, as kill -9 does; `sleep:seconds` waits; `*n` lets the point fire n times only. What fired is logged: a fault that
never fired proves nothing.
"""

import asyncio
import logging
import os
import re
import signal
from dataclasses import dataclass

from gateway.settings import SettingsInvalid

POINTS = frozenset(
    {"begin.after", "send.before", "send.after", "apply.before", "apply.after", "relay.before", "relay.after"}
)

_RULE = re.compile(
    r"(?P<name>[a-z.]+)=(?:(?P<exit>exit)|sleep:(?P<seconds>[0-9]+(?:\.[0-9]+)?))(?:\*(?P<times>[0-9]+))?"
)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Rule:
    sleep_s: float | None  # None: end the process
    left: int | None  # None: for ever


class ScriptedFailpoints:
    """Does what the script says at each point, and nothing anywhere else."""

    def __init__(self, script: str) -> None:
        """Raises `SettingsInvalid` for a script that it cannot read."""
        self._rules: dict[str, _Rule] = {}
        for text in filter(None, (part.strip() for part in script.split(";"))):
            match = _RULE.fullmatch(text)
            if match is None or match["name"] not in POINTS:
                raise SettingsInvalid(
                    f"PAYERA_FAILPOINTS: cannot read {text!r}; points are {', '.join(sorted(POINTS))}"
                )
            seconds = None if match["exit"] else float(match["seconds"])
            self._rules[match["name"]] = _Rule(seconds, int(match["times"]) if match["times"] else None)

    async def reach(self, name: str) -> None:
        """Called by the use cases at each point."""
        rule = self._rules.get(name)
        if rule is None or rule.left == 0:
            return
        if rule.left is not None:
            rule.left -= 1
        _log.warning("failpoint %s fired", name)
        if rule.sleep_s is None:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            await asyncio.sleep(rule.sleep_s)
