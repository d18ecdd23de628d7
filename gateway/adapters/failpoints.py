"""Named places where a test stops or ends this process: `PAYERA_FAILPOINTS`, test profile only.

    send.before=sleep:1.5;apply.before=exit;receive.after=sleep:0.2*3      what to do, by point
    ask:/path/of/a.sock                                                  ask at every point what to do

`exit` ends the process at once, as kill -9 does; `sleep:seconds` waits; `*n` lets the point fire n times only. What
fired is logged: a fault that never fired proves nothing. With `ask` every point is told to whoever listens on that
Unix socket (one JSON line), and the process stands still there until it is answered: so somebody else may end it, or
anything around it, at exactly this place.
"""

import asyncio
import json
import logging
import os
import re
import signal
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from gateway.settings import SettingsInvalid
from gateway.use_cases.ports import Failpoints

POINTS = {
    "begin.before": "nothing is written down",
    "begin.after": "the intent is committed, nothing was sent",
    "send.before": "everything is opened and ready, not one byte has left",
    "send.after": "the request has left, nothing of the answer is here",
    "receive.before": "the answer has begun to arrive, its body was not read",
    "receive.after": "the outcome is known to this process alone",
    "apply.before": "it is about to be written down",
    "apply.after": "it is committed, nobody was told",
    "signal.before": "the workflow is about to be started or woken",
    "signal.after": "Temporal has acknowledged (the api: has given the first answer)",
    "activity.before": "a step of a workflow was handed to the worker",
    "activity.after": "the step is done, Temporal was not told",
    "relay.before": "events are claimed, none was handed to Kafka",
    "relay.after": "Kafka has acknowledged, nothing is marked",
}
"""Every point, in the order in which a payment meets them, and what is true there."""

ASK = "ask:"
ASK_WITHIN_S = 30.0
"""A process that was stopped and is answered by nobody goes on after so long."""

_RULE = re.compile(
    r"(?P<name>[a-z.]+)=(?:(?P<exit>exit)|sleep:(?P<seconds>[0-9]+(?:\.[0-9]+)?))(?:\*(?P<times>[0-9]+))?"
)

_log = logging.getLogger(__name__)


class NoFailpoints:
    """Nothing happens anywhere."""

    async def reach(self, name: str, merchant: str = "") -> None:
        """Nothing happens here."""


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
                raise SettingsInvalid(f"PAYERA_FAILPOINTS: cannot read {text!r}; points are {', '.join(POINTS)}")
            seconds = None if match["exit"] else float(match["seconds"])
            self._rules[match["name"]] = _Rule(seconds, int(match["times"]) if match["times"] else None)

    async def reach(self, name: str, merchant: str = "") -> None:
        """Called at each point."""
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


class AskingFailpoints:
    """Tells `{process, point, merchant}` to a Unix socket at every point and waits for one line in return.

    Where nobody listens, or the listener ends, the process goes on. A point without a merchant of its own (the HTTP
    client's) is told with the merchant of the last point before it in the same task.
    """

    def __init__(self, process: str, path: Path) -> None:
        self._process = process
        self._path = str(path)
        self._merchant: ContextVar[str] = ContextVar("payera_failpoint_merchant", default="")

    async def reach(self, name: str, merchant: str = "") -> None:
        """Called at each point."""
        if merchant:
            self._merchant.set(merchant)
        told = {"process": self._process, "point": name, "merchant": merchant or self._merchant.get()}
        try:
            async with asyncio.timeout(ASK_WITHIN_S):
                reader, writer = await asyncio.open_unix_connection(self._path)
                try:
                    writer.write(json.dumps(told).encode() + b"\n")
                    await writer.drain()
                    await reader.readline()
                finally:
                    writer.close()
        except TimeoutError:
            _log.warning("failpoint %s: not answered, going on", name)
        except OSError:
            return  # nobody listens


def failpoints_of(script: str, process: str) -> Failpoints:
    """What `PAYERA_FAILPOINTS` says, for the process of this name. Raises `SettingsInvalid`."""
    if not script:
        return NoFailpoints()
    if script.startswith(ASK):
        return AskingFailpoints(process, Path(script.removeprefix(ASK)))
    return ScriptedFailpoints(script)
