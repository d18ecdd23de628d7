"""A published OpenAPI file (3.0 or 3.1, JSON or YAML), and what differs from it in one answer, by JSON pointer."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

Json = dict[str, Any]
SCHEMAS = "#/components/schemas/"
_VERSION = re.compile(r"v\d+$")


class NotASpec(Exception):
    """The file is not an OpenAPI document; the message says what is missing."""


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """One difference. `kind`: `operation` (not published), `status` (not published), `value` (breaks the schema),
    `added` (no such field is published). `pointer` leads into the body, `*` stands for any position of a list."""

    operation: str
    pointer: str
    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.operation}#{self.pointer}"


class Spec:
    """The paths and schemas of one file. Raises NotASpec."""

    def __init__(self, raw: Any) -> None:
        if not isinstance(raw, dict) or "openapi" not in raw or "paths" not in raw:
            raise NotASpec("not an OpenAPI 3 document: it needs openapi and paths")
        self._raw: Json = _nullable(raw)
        bases = {urlsplit(server.get("url", "")).path.rstrip("/") for server in raw.get("servers", ())}
        # A version at its end stands for any: what differs between two versions is drift, that they differ is not.
        self._bases = [re.compile(_VERSION.sub(r"v\\d+", re.escape(base))) for base in sorted({"", *bases})]
        self._schemas: Json = self._raw.get("components", {}).get("schemas", {})
        self._validators: dict[str, Draft202012Validator] = {}

    @classmethod
    def read(cls, path: Path) -> "Spec":
        """Read a file. Raises NotASpec, and OSError where there is none."""
        text = path.read_text("utf-8")
        try:
            return cls(json.loads(text) if path.suffix == ".json" else yaml.safe_load(text))
        except (ValueError, yaml.YAMLError) as wrong:
            raise NotASpec(f"{path}: {wrong}") from None

    def judge(self, method: str, path: str, status: int, body: Any) -> list[Drift]:
        """What differs in one answer; `body` None means that there was none."""
        found = self._operation(method.lower(), path)
        if found is None:
            return [Drift(f"{method} {path}", "", "operation", "the file has no such operation")]
        name, operation = f"{method} {found[0]}", found[1]
        responses = operation.get("responses", {})
        names = (str(status), f"{status // 100}XX", "default")
        said = next((responses[name] for name in names if name in responses), None)
        if said is None:
            return [Drift(name, "", "status", f"the file has no answer {status}")]
        content = self._resolve(said).get("content", {})
        schema = next((each.get("schema", {}) for kind, each in content.items() if "json" in kind), None)
        if schema is None:
            return [] if body is None else [Drift(name, "", "value", f"the file has no body for {status}")]
        if body is None:
            return [Drift(name, "", "value", f"the file has a body for {status}")]
        return sorted({*self._values(f"{name} {status}", name, schema, body), *self._added(name, schema, body)})

    def _operation(self, method: str, path: str) -> tuple[str, Json] | None:
        """The published path that fits best: the one with the most literal segments."""
        best: tuple[int, str, Json] | None = None
        for base in self._bases:
            prefix = base.match(path)
            if prefix is None:
                continue
            given = path[prefix.end() :].strip("/").split("/")
            for template, methods in self._raw["paths"].items():
                wanted = template.strip("/").split("/")
                if method not in methods or len(wanted) != len(given):
                    continue
                pairs = list(zip(wanted, given, strict=True))
                if all(w.startswith("{") or w == g for w, g in pairs):
                    literal = sum(w == g for w, g in pairs)
                    if best is None or literal > best[0]:
                        best = (literal, template, methods[method])
        return None if best is None else best[1:]

    def _resolve(self, node: Json) -> Json:
        while "$ref" in node:
            found: Any = self._raw
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def _values(self, key: str, name: str, schema: Json, body: Any) -> Iterator[Drift]:
        if key not in self._validators:
            components = {"components": self._raw.get("components", {})}
            self._validators[key] = Draft202012Validator({**schema, **components})
        for error in self._validators[key].iter_errors(body):
            # Inside "none of the alternatives fits", the error that is deepest is the one that was meant.
            meant = best_match([error]) or error
            yield Drift(name, _pointer(list(meant.absolute_path)), "value", _short(meant.message))

    # -- fields that the file does not have
    def _added(self, name: str, schema: Json, body: Any) -> Iterator[Drift]:
        for path in self._unknown([schema], body, []):
            yield Drift(name, _pointer(path), "added", "the file has no such field")

    def _alternatives(self, schemas: list[Json]) -> list[Json]:
        """All schemas that may describe the value, combinations and discriminated kinds taken apart."""
        found: dict[int, Json] = {}
        waiting = list(schemas)
        while waiting:
            plain = self._resolve(waiting.pop())
            if id(plain) in found:
                continue
            found[id(plain)] = plain
            for word in ("allOf", "anyOf", "oneOf"):
                waiting += plain.get(word, [])
            kinds = plain.get("discriminator", {}).get("mapping", {}).values()
            names = [kind.removeprefix(SCHEMAS) for kind in kinds]  # some files name kinds that they do not have
            waiting += [self._schemas[name] for name in names if name in self._schemas]
        return list(found.values())

    def _unknown(self, schemas: list[Json], value: Any, path: list[Any]) -> Iterator[list[Any]]:
        alternatives = self._alternatives(schemas)
        if isinstance(value, list):
            items = [each["items"] for each in alternatives if isinstance(each.get("items"), dict)]
            for index, item in enumerate(value):
                yield from self._unknown(items, item, [*path, index])
        elif isinstance(value, dict):
            described = [each for each in alternatives if each.get("properties")]
            is_open = not described or any(each.get("additionalProperties") for each in alternatives)
            for field, item in value.items():
                known = [each["properties"][field] for each in described if field in each["properties"]]
                if known:
                    yield from self._unknown(known, item, [*path, field])
                elif not is_open:
                    yield [*path, field]


def _nullable(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(node, list):
        return [_nullable(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    found: Json = {key: _nullable(value) for key, value in node.items()}
    if found.get("nullable") is not True:
        return found
    del found["nullable"]
    return {"anyOf": [found, {"type": "null"}]}


def _pointer(path: list[Any]) -> str:
    return "".join("/*" if isinstance(part, int) else f"/{part}" for part in path)


def _short(message: str) -> str:
    return message if len(message) <= 160 else f"{message[:100]} … {message[-50:]}"
