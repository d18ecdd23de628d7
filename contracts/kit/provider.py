"""The provider's side: every interaction of a pact is replayed against the simulator.

Pact's native verifier asks our stage, a small HTTP server, to set the states and to hand over the notifications. The
library's own stage is not used: it throws away the values that a state gives, and leaves its sockets open.
"""

import contextlib
import importlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pact import Verifier

from contracts.kit.consumer import Consumer, pact_file
from contracts.kit.desk import Desk, Reply, message_reply
from contracts.kit.simulated import HOST, Running
from contracts.kit.states import Psp, State, StateFailed

Json = dict[str, Any]
TIMEOUT_MS = 20_000


class CannotVerify(Exception):
    """The verification could not run at all; the message says why."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one interaction; `differences` are empty when it holds."""

    interaction: str
    differences: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.differences


def states_of(slug: str) -> Mapping[str, State]:
    """The states that `contracts/<slug>/states.py` declares."""
    found: Mapping[str, State] = importlib.import_module(f"contracts.{slug}.states").STATES
    return found


class Stage:
    """Answers the verifier (`/state`, `/message`) and receives the simulator's notifications (`/hook`)."""

    def __init__(self, consumer: Consumer, control: str) -> None:
        self.desk = Desk(self.answer)
        self.failures: dict[str, str] = {}
        self._states = states_of(consumer.slug)
        self._psp = Psp(consumer, control, f"{self.desk.url}/hook")

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Status, body and headers for one request."""
        if path.startswith("/hook"):
            self._psp.received.append((headers, body))
            return 200, b"[accepted]", {"content-type": "text/plain"}
        asked = json.loads(body)
        name = asked.get("state", "")
        try:
            if path == "/state":
                return 200, json.dumps(self._state(asked)).encode(), {"content-type": "application/json"}
            return self._message()
        except Exception as failed:
            self.failures[name] = f"{name}: {type(failed).__name__}: {failed}"
            return 404, b"{}", {"content-type": "application/json"}  # a 5xx would be asked again for half a minute

    def _state(self, asked: Json) -> Json:
        name, parameters = asked["state"], asked.get("params") or {}
        if asked["action"] == "teardown":
            if name == "an account":
                self._psp.close()
            return {}
        if not name:  # an interaction without a state
            return {}
        if name not in self._states:
            raise StateFailed(f"no state {name!r} in contracts/{self._psp.consumer.slug}/states.py")
        return self._states[name](self._psp, parameters)

    def _message(self) -> Reply:
        if self._psp.message is None:
            raise StateFailed("no notification was waited for")
        headers, body = self._psp.message
        metadata = {name.title(): value for name, value in headers.items()}
        return message_reply(body, headers.get("content-type", ""), metadata | {"signature": self._psp.signature()})

    def close(self) -> None:
        """Stop answering."""
        self._psp.close()
        self.desk.close()


def verify(consumer: Consumer, running: Running, file: Path | None = None) -> list[Verdict]:
    """Replay every interaction of the provider's pact. Raises CannotVerify."""
    file = file or pact_file(consumer.slug)
    if not file.is_file():
        raise CannotVerify(f"{file} is missing: `payera contracts generate {consumer.slug}`")
    if consumer.slug not in running.urls:
        raise CannotVerify(f"no simulator {consumer.slug} is running")
    stage = Stage(consumer, running.control)
    try:
        verifier = (
            Verifier(consumer.slug, host=HOST)
            .add_transport(url=running.urls[consumer.slug])
            .add_transport(protocol="message", port=stage.desk.port, path="/message", scheme="http")
            .state_handler(f"{stage.desk.url}/state", teardown=True, body=True)
            .set_request_timeout(TIMEOUT_MS)
            .add_source(file)
        )
        return judge(verifier, file, stage.failures)
    finally:
        stage.close()


def judge(verifier: Verifier, file: Path, failures: Mapping[str, str]) -> list[Verdict]:
    """Run the verifier in silence; a verdict per interaction of the file. Raises CannotVerify."""
    with _silence(), contextlib.suppress(RuntimeError):  # "failed to execute": the results say what failed
        verifier.verify()
    results = {one["description"]: one for one in verifier.results["interactionResults"]}
    verdicts = []
    for interaction in json.loads(file.read_text("utf-8"))["interactions"]:
        name = interaction["description"]
        if name not in results:
            raise CannotVerify(f"{file.name}: {name!r} was not replayed: {verifier.results['errors']}")
        verdicts.append(Verdict(name, _differences(results[name], failures)))
    return verdicts


def _differences(result: Json, failures: Mapping[str, str]) -> tuple[str, ...]:
    if result["result"] == "OK":
        return ()
    mismatch = result.get("mismatch") or {}
    found = [_shown(one) for one in mismatch.get("mismatches", ())]
    if not found:
        mine = [failures[state] for state in ("", *result["providerStates"]) if state in failures]
        found = [*mine] or [str(mismatch.get("message") or mismatch.get("error") or mismatch or "failed")]
    return tuple(found)


def _shown(mismatch: Json) -> str:
    where = mismatch.get("path") or mismatch.get("key") or ""
    said = mismatch.get("mismatch") or f"expected {mismatch.get('expected')}, got {mismatch.get('actual')}"
    return f"{mismatch['type'].removesuffix('Mismatch').lower()} {where}: {said}".replace(" :", ":")


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The native library prints its report to file descriptor 1; ours is a table."""
    sys.stdout.flush()
    kept = os.dup(1)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
