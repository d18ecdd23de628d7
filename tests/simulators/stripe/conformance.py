"""Whether an answer is what Stripe published: its OpenAPI file of API version 2023-08-16, read where it lies.

Two independent looks at every answer: a JSON Schema validator (types, required fields, enumerations), and a walk that
reports fields the 2023 file does not have. Each finding must be listed in `differences.yaml` with its reason.
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


def specs_folder() -> Path:
    """Where the PSPs' published files are: `PAYERA_SPECS`, else beside the repository."""
    return Path(os.environ.get("PAYERA_SPECS") or ROOT.parent / "shared" / "specs")


SPEC = specs_folder() / "stripe" / "spec3.2023-08-16.json"
FIXTURES = specs_folder() / "stripe" / "fixtures3.json"


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """`kind`: `added` (the file has no such field) or `value` (the value breaks the schema). `pointer` is relative to
    the nearest object that says what it is (`object`), `*` for list positions; `error` is the error envelope."""

    object: str
    pointer: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} {self.object}#{self.pointer}"


def listed() -> dict[Difference, Json]:
    """The differences that are known, with their reasons."""
    rows = yaml.safe_load(LISTED.read_text("utf-8"))["differences"]
    return {Difference(row["object"], row["pointer"], row["kind"]): row for row in rows}


def _nullable(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(node, list):
        return [_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _nullable(value) for key, value in node.items() if key != "nullable"}
    if node.get("nullable") is True:
        if "anyOf" in found:
            found["anyOf"] = [*found["anyOf"], {"type": "null"}]
        elif isinstance(found.get("type"), str):
            found["type"] = [found["type"], "null"]
            if "enum" in found and None not in found["enum"]:
                found["enum"] = [*found["enum"], None]
        else:
            found = {"anyOf": [found, {"type": "null"}]}
    return found


@cache
def published() -> "Published":
    """The published file, read once per process."""
    return Published(json.loads(SPEC.read_text("utf-8")))


class Published:
    """The paths and schemas of the file."""

    def __init__(self, raw: Json) -> None:
        self._schemas: Json = {"components": {"schemas": _nullable(raw["components"]["schemas"])}}
        self._validators: dict[str, Draft202012Validator] = {}
        self._paths: list[tuple[list[str], str, Json]] = []
        for path, methods in raw["paths"].items():
            self._paths.append((path.strip("/").split("/"), path, methods))
        self._responses: dict[tuple[str, str, str], Json] = {}

    def judge(self, method: str, path: str, status: int, body: Any) -> set[Difference]:
        """What differs in one answer. Raises LookupError if the file does not have the operation."""
        if status >= 400:
            schema: Json = {"$ref": "#/components/schemas/error"}
            key = "error"
        else:
            key, schema = self._response(method, path)
        found = self._against(key, schema, body)
        for event in _events(body):
            subject = event["data"]["object"]
            name = subject["object"]
            found |= self._against(f"schema {name}", {"$ref": f"#/components/schemas/{name}"}, subject)
        return found

    def _response(self, method: str, path: str) -> tuple[str, Json]:
        segments = path.strip("/").split("/")
        best: tuple[int, str, Json] | None = None
        for template, name, methods in self._paths:
            if method.lower() not in methods or len(template) != len(segments):
                continue
            pairs = list(zip(template, segments, strict=True))
            if all(wanted.startswith("{") or wanted == given for wanted, given in pairs):
                literal = sum(wanted == given for wanted, given in pairs)
                if best is None or literal > best[0]:
                    best = (literal, name, methods[method.lower()])
        if best is None:
            raise LookupError(f"{method} {path} is not in the published file")
        content = best[2]["responses"]["200"]["content"]["application/json"]["schema"]
        return f"{method} {best[1]}", _nullable(content)

    def _against(self, key: str, schema: Json, body: Any) -> set[Difference]:
        if key not in self._validators:
            self._validators[key] = Draft202012Validator({**schema, **self._schemas})
        found = set()
        for error in _deepest(self._validators[key].iter_errors(body)):
            found.add(_difference(body, list(error.absolute_path), "value"))
        for path in self._added(body, schema, []):
            found.add(_difference(body, path, "added"))
        return found

    # -- fields that the file does not have
    def _resolve(self, schema: Json) -> Json:
        while "$ref" in schema:
            schema = self._schemas["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def _choose(self, schema: Json, value: Any) -> Json | None:
        """The alternative that describes `value`: by what the object says it is, else the first of its type."""
        schema = self._resolve(schema)
        if "anyOf" not in schema:
            return schema
        wanted = "object" if isinstance(value, dict) else "array" if isinstance(value, list) else None
        options = [self._choose(option, value) for option in schema["anyOf"]]
        fitting = [o for o in options if o is not None and wanted is not None and wanted in _types(o)]
        if isinstance(value, dict) and "object" in value:
            named = [o for o in fitting if value["object"] in o.get("properties", {}).get("object", {}).get("enum", [])]
            fitting = sorted(named or fitting, key=lambda o: len(set(value) - set(o.get("properties", {}))))
        return fitting[0] if fitting else None

    def _added(self, value: Any, schema: Json, path: list[Any]) -> Iterator[list[Any]]:
        chosen = self._choose(schema, value)
        if chosen is None:
            return
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._added(item, chosen.get("items", {}), [*path, index])
        elif isinstance(value, dict) and chosen.get("properties"):
            for name, item in value.items():
                if name in chosen["properties"]:
                    yield from self._added(item, chosen["properties"][name], [*path, name])
                elif not chosen.get("additionalProperties"):
                    yield [*path, name]


def _types(schema: Json) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else kind


def _events(body: Any) -> list[Json]:
    if not isinstance(body, dict):
        return []
    candidates = body["data"] if body.get("object") == "list" else [body]
    return [item for item in candidates if item.get("object") == "event"]


def _deepest(errors: Iterable[ValidationError]) -> Iterator[ValidationError]:
    """Errors inside the alternative that was meant, in place of "none of the alternatives fits"."""
    for error in errors:
        if not error.context:
            yield error
            continue
        branches: dict[Any, list[ValidationError]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        meant = [
            branch
            for branch in branches.values()
            if not any(e.path == error.path and e.validator == "type" for e in branch)
            and not any(list(e.path)[-1:] == ["object"] and e.validator == "enum" for e in branch)
        ]
        if not meant:
            yield error
        else:
            yield from _deepest(min(meant, key=len))


def _difference(body: Any, path: list[Any], kind: str) -> Difference:
    """The difference at `path`, named by the nearest enclosing object that says what it is."""
    node, name, start = body, "error" if isinstance(body, dict) and "error" in body else "answer", 0
    for depth, segment in enumerate([*path, None]):
        if isinstance(node, Mapping) and isinstance(node.get("object"), str):
            name, start = node["object"], depth
        if segment is None or depth >= len(path) - (kind == "added"):
            break
        node = node[segment]
    shown = "".join(f"/{'*' if isinstance(segment, int) else segment}" for segment in path[start:])
    return Difference(name, shown or "/", kind)
