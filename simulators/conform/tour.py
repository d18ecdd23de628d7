"""What a simulator answers: its own documented examples performed on a fresh account, or a recording, held against a
published file."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from simulators.conform.published import Drift, Spec
from simulators.kit.examples import ExampleFailed, Examples

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer: `body` is the JSON, None for none; `text` what is no JSON."""

    method: str
    path: str
    status: int
    body: Any
    is_json: bool = True


class Tour(Examples):
    """The examples, with an ear on every answer of the simulator."""

    def __init__(self, document: Json, account: Json, control: str) -> None:
        super().__init__(document, account, control)
        self.answers: list[Answered] = []
        self._host = urlsplit(self._simulator).netloc

    def send(
        self, method: str, url: str, body: bytes | None, media_type: str | None, operation: Json | None = None
    ) -> tuple[int, bytes]:
        """Send as ever, and keep what came."""
        status, raw = super().send(method, url, body, media_type, operation)
        parts = urlsplit(url)
        if parts.netloc == self._host:
            self.answers.append(_answered(method, parts.path, status, raw))
        return status, raw

    def perform_at(self, method: str, path: str) -> str | None:
        """Perform one example, unless it says that it never succeeds; why it could not be performed, or None."""
        try:
            if "x-payera-refuses" not in self.operation(method, path):
                self.perform(method, path)
        except (ExampleFailed, KeyError) as failed:
            return f"{method} {path}: {failed}"
        return None


def _answered(method: str, path: str, status: int, raw: bytes) -> Answered:
    if not raw:
        return Answered(method, path, status, None)
    try:
        return Answered(method, path, status, json.loads(raw))
    except ValueError:
        return Answered(method, path, status, None, is_json=False)


def recorded(file: Path) -> list[Answered]:
    """The answers in an `exchanges.jsonl` of the recorder. Raises OSError, ValueError."""
    found = []
    for line in file.read_text("utf-8").splitlines():
        kept = json.loads(line)
        answer = kept["answer"]
        is_json = "json" in kept["headers"].get("content-type", "json")
        path = kept["path"].partition("?")[0]
        found.append(Answered(kept["method"], path, kept["status"], answer if is_json else None, is_json=is_json))
    return found


@dataclass(slots=True)
class Report:
    """What was held against the file. `drifts` counts, per difference, in how many answers it was seen."""

    answers: int = 0
    pages: int = 0
    drifts: dict[Drift, int] = field(default_factory=dict)


def compare(spec: Spec, answers: list[Answered]) -> Report:
    """Every JSON answer against the file; pages for people are counted and left alone."""
    report = Report()
    for one in answers:
        if not one.is_json:
            report.pages += 1
            continue
        report.answers += 1
        for drift in spec.judge(one.method, one.path, one.status, one.body):
            report.drifts[drift] = report.drifts.get(drift, 0) + 1
    return report
