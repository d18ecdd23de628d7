"""Whether an answer or a notification is what Adyen published: Checkout v71 and Webhooks v1, read where they lie.

Both files close their objects, so a JSON Schema validator finds unknown fields too; the open
`additionalData` of answers is compared with the names that the file lists for it. Each finding must be listed in
`differences.yaml` with its reason.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from tests.simulators.stripe.conformance import specs_folder

Json = dict[str, Any]
LISTED = Path(__file__).parent / "differences.yaml"
CHECKOUT = specs_folder() / "adyen" / "CheckoutService-v71.json"
WEBHOOKS = specs_folder() / "adyen" / "Webhooks-v1.json"
_METADATA = re.compile(r"metadata\..+")


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """`kind`: `added` (the file has no such field) or `value` (the value breaks the schema). `object` is the operation
    or the event code; `pointer` the place in it, `*` for list positions and for names of the merchant's own."""

    object: str
    pointer: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} {self.object}#{self.pointer}"


def listed() -> dict[Difference, str]:
    """The differences that are known, with their reasons."""
    rows = yaml.safe_load(LISTED.read_text("utf-8"))["differences"]
    return {Difference(row["object"], row["pointer"], row["kind"]): row["reason"] for row in rows}


class Published:
    """One published file: operations or webhooks, and the schemas they share."""

    def __init__(self, path: Path) -> None:
        self._raw: Json = json.loads(path.read_text("utf-8"))
        self._components = {"components": {"schemas": self._raw["components"]["schemas"]}}
        self._validators: dict[str, Draft202012Validator] = {}

    def judge_answer(self, method: str, path: str, status: int, body: Any) -> set[Difference]:
        """What differs in an answer; `path` without the version. Raises LookupError for an unknown operation."""
        name, operation = self._operation(method, path)
        if status >= 400:
            return self._against("error", {"$ref": "#/components/schemas/ServiceError"}, body)
        documented = operation["responses"].get(str(status))
        if documented is None:
            return {Difference(name, "/", f"status {status}")}
        content = documented.get("content", {}).get("application/json")
        if content is None:
            return set() if body is None else {Difference(name, "/", "value")}
        found = self._against(name, content["schema"], body)
        return found | self._additional_data(name, body)

    def judge_notification(self, body: Json) -> set[Difference]:
        """What differs in a notification. Raises LookupError for an event that the file does not have."""
        event = body["notificationItems"][0]["NotificationRequestItem"]["eventCode"]
        try:
            webhook = self._raw["webhooks"][f"/{event}"]
        except KeyError:
            raise LookupError(f"{event} is not in the published file") from None
        return self._against(event, webhook["post"]["requestBody"]["content"]["application/json"]["schema"], body)

    def operations(self) -> set[tuple[str, str]]:
        """(METHOD, path) of everything that is published."""
        return {(m.upper(), path) for path, methods in self._raw["paths"].items() for m in methods}

    def _operation(self, method: str, path: str) -> tuple[str, Json]:
        segments = path.strip("/").split("/")
        best: tuple[int, str, Json] | None = None
        for template, methods in self._raw["paths"].items():
            parts = template.strip("/").split("/")
            if method.lower() not in methods or len(parts) != len(segments):
                continue
            pairs = list(zip(parts, segments, strict=True))
            if all(wanted.startswith("{") or wanted == given for wanted, given in pairs):
                literal = sum(wanted == given for wanted, given in pairs)
                if best is None or literal > best[0]:
                    best = (literal, f"{method} {template}", methods[method.lower()])
        if best is None:
            raise LookupError(f"{method} {path} is not in the published file")
        return best[1], best[2]

    def _against(self, name: str, schema: Json, body: Any) -> set[Difference]:
        if name not in self._validators:
            self._validators[name] = Draft202012Validator({**schema, **self._components})
        found = set()
        for error in self._validators[name].iter_errors(body):
            for path, kind in _places(error):
                found.add(Difference(name, _pointer(path), kind))
        return found

    def _additional_data(self, name: str, body: Any) -> set[Difference]:
        """Names in an answer's `additionalData` that none of the file's lists has."""
        if not isinstance(body, dict) or not isinstance(body.get("additionalData"), dict):
            return set()
        known: set[str] = set()
        for schema, described in self._raw["components"]["schemas"].items():
            if schema.startswith("ResponseAdditionalData"):
                known |= set(described.get("properties", {}))
        return {
            Difference(name, _pointer(["additionalData", key]), "added")
            for key in body["additionalData"]
            if key not in known
        }


def _places(error: ValidationError) -> Iterator[tuple[list[Any], str]]:
    path = list(error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        properties = error.schema.get("properties", {})
        for key in error.instance:
            if key not in properties:
                yield [*path, key], "added"
    else:
        yield path, "value"


def _pointer(path: list[Any]) -> str:
    shown = ["*" if isinstance(part, int) else _METADATA.sub("metadata.*", str(part)) for part in path]
    return "/" + "/".join(shown)


@cache
def checkout() -> Published:
    """The API, read once per process."""
    return Published(CHECKOUT)


@cache
def webhooks() -> Published:
    """The notifications, read once per process."""
    return Published(WEBHOOKS)
