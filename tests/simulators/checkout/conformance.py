"""Whether an answer is what Checkout.com published: its OpenAPI file of July 2022, read where it lies.

Two independent looks at every answer and notification: a JSON Schema validator (types, required fields, enumerations,
patterns) and a walk that reports fields the file does not have. Each finding must be listed in `differences.yaml`.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

Json = dict[str, Any]
ROOT = Path(__file__).parents[3]
LISTED = Path(__file__).parent / "differences.yaml"
SPEC = Path(os.environ.get("PAYERA_SPECS") or ROOT.parent / "shared" / "specs") / "checkout" / "nas.bundled.json"
REF = "#/components/schemas/"


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """`kind`: `operation` or `status` (the file does not have it), `added` (no such field), `value` (breaks the
    schema), `body` (a body where the file has none). `answer` is method, path and status, `webhook` or
    `webhook dispute data`;
    `pointer` the place in it, `*` for list positions."""

    answer: str
    pointer: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} {self.answer}#{self.pointer}"


@cache
def listed() -> dict[Difference, Json]:
    """The differences that are known, with their reasons."""
    rows = yaml.safe_load(LISTED.read_text("utf-8"))["differences"]
    return {Difference(answer, row["pointer"], row["kind"]): row for row in rows for answer in row["answers"]}


@cache
def published() -> "Published":
    """The published file, read once per process."""
    return Published(json.loads(SPEC.read_text("utf-8")))


class Published:
    """The paths and schemas of the file, in the words of JSON Schema."""

    def __init__(self, raw: Json) -> None:
        schemas = raw["components"]["schemas"]
        self._children = {
            name: {reference.rpartition("/")[2] for reference in schema["discriminator"].get("mapping", {}).values()}
            for name, schema in schemas.items()
            if "discriminator" in schema
        }
        self._schemas = {name: self._plain(schema, name) for name, schema in schemas.items()}
        for name, schema in schemas.items():
            if self._children.get(name):
                self._schemas[f"{name}~any"] = self._chosen(name, schema["discriminator"])
        self._validators: dict[str, Draft202012Validator] = {}
        self._paths = [(path.strip("/").split("/"), path, methods) for path, methods in raw["paths"].items()]

    def _plain(self, node: Any, owner: str) -> Any:
        """OpenAPI 3.0 in the words of JSON Schema: `nullable`; a base with a discriminator means the kind it names,
        except inside the kinds themselves; of several answers any one will do (they overlap)."""
        if isinstance(node, list):
            return [self._plain(item, owner) for item in node]
        if not isinstance(node, dict):
            return node
        if isinstance(node.get("$ref"), str):
            base = node["$ref"].rpartition("/")[2]
            meant = base if owner in self._children.get(base, ()) or not self._children.get(base) else f"{base}~any"
            return {"$ref": REF + meant}
        found = {key: self._plain(value, owner) for key, value in node.items() if key not in ("nullable", "example")}
        if "oneOf" in found:
            found["anyOf"] = found.pop("oneOf")
        if node.get("nullable") is True and isinstance(found.get("type"), str):
            found["type"] = [found["type"], "null"]
        return found

    def _chosen(self, name: str, discriminator: Json) -> Json:
        field = discriminator["propertyName"]
        cases = [
            {"if": {"properties": {field: {"const": word}}, "required": [field]}, "then": {"$ref": reference}}
            for word, reference in discriminator["mapping"].items()
        ]
        return {"$ref": REF + name, "allOf": cases, "x-choice": [field, discriminator["mapping"]]}

    # -- judging
    def judge(self, method: str, path: str, status: int, body: bytes) -> set[Difference]:
        """What differs in one answer."""
        name, operation = self._operation(method, path)
        if operation is None and status in (404, 405):
            return set()  # neither there nor here
        if operation is None:
            return {Difference(f"{method} {name}", "/", "operation")}
        answer = f"{method} {name} {status}"
        if str(status) not in operation["responses"]:
            return {Difference(answer, "/", "status")}
        response = operation["responses"][str(status)]
        if "content" not in response:
            return {Difference(answer, "/", "body")} if body else set()
        schema = self._plain(next(iter(response["content"].values()))["schema"], "")
        if "anyOf" in schema:  # a payment or a payout: there are no payouts here
            schema = schema["anyOf"][0]
        return self._against(answer, schema, json.loads(body))

    def judge_event(self, event: Json) -> set[Difference]:
        """What differs in one notification from the file's `EventObject`; the data of a dispute's, from its summary."""
        if event["type"].startswith("dispute_"):
            summary = self._against("webhook dispute data", {"$ref": REF + "DisputeSummary"}, event["data"])
            return summary | self._against("webhook", {"$ref": REF + "EventObject"}, {**event, "data": {}})
        return self._against("webhook", {"$ref": REF + "EventObject"}, event)

    def _operation(self, method: str, path: str) -> tuple[str, Json | None]:
        segments = path.strip("/").split("/")
        for template, name, methods in self._paths:
            if len(template) == len(segments) and all(
                wanted.startswith("{") or wanted == given for wanted, given in zip(template, segments, strict=True)
            ):
                return name, methods.get(method.lower())
        return "/".join(s if len(s) < 20 else "{id}" for s in path.split("/")), None

    def _against(self, answer: str, schema: Json, body: Any) -> set[Difference]:
        if answer not in self._validators:
            whole = {**schema, "components": {"schemas": self._schemas}}
            self._validators[answer] = Draft202012Validator(whole)
        found = {
            Difference(answer, _pointer(list(error.absolute_path), error), "value")
            for error in _deepest(self._validators[answer].iter_errors(body))
        }
        return found | {Difference(answer, _pointer(path), "added") for path in self._added(body, schema, [])}

    # -- fields that the file does not have
    def _added(self, value: Any, schema: Json, path: list[Any]) -> Iterator[list[Any]]:
        if isinstance(value, list):
            items = next((part["items"] for part in self._parts(schema, value) if "items" in part), {})
            for index, item in enumerate(value):
                yield from self._added(item, items, [*path, index])
        elif isinstance(value, dict):
            parts = list(self._parts(schema, value))
            known: dict[str, list[Json]] = {}
            for part in parts:
                for name, inner in part.get("properties", {}).items():
                    known.setdefault(name, []).append(inner)
            if not known or any(part.get("additionalProperties") for part in parts):
                return
            for name, item in value.items():
                if name in known:
                    yield from self._added(item, {"allOf": known[name]}, [*path, name])
                else:
                    yield [*path, name]

    def _parts(self, schema: Json, value: Any) -> Iterator[Json]:
        """The schemas that together describe `value`: references followed, the named kind chosen."""
        if "x-choice" in schema and isinstance(value, Mapping):
            field, mapping = schema["x-choice"]
            if value.get(field) in mapping:
                yield from self._parts({"$ref": mapping[value[field]]}, value)
                return
        if "$ref" in schema:
            yield from self._parts(self._schemas[schema["$ref"].rpartition("/")[2]], value)
        for part in schema.get("allOf", []):
            if "if" not in part:
                yield from self._parts(part, value)
        if "anyOf" in schema:
            whole = {"components": {"schemas": self._schemas}}
            fitting = [s for s in schema["anyOf"] if Draft202012Validator({**s, **whole}).is_valid(value)]
            yield from self._parts((fitting or schema["anyOf"])[0], value)
        yield schema


def _deepest(errors: Iterable[ValidationError]) -> Iterator[ValidationError]:
    """Errors inside the alternative that fits best, in place of "none of the alternatives fits"."""
    for error in errors:
        if not error.context:
            yield error
            continue
        branches: dict[Any, list[ValidationError]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        yield from _deepest(min(branches.values(), key=len))


def _pointer(path: list[Any], error: ValidationError | None = None) -> str:
    if error is not None and error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        path = [*path, missing[0]]
    return "".join(f"/{'*' if isinstance(segment, int) else segment}" for segment in path) or "/"
