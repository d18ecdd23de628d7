"""A simulator's own OpenAPI 3.1 document, from its routes and from what `openapi.py` beside its code says of them.

`DESCRIPTION` there names, per operation, the schema of the body (best derived from the tables that the simulator checks
requests with) and an example that a fresh account answers with 2xx, with the requests that come first:

    DESCRIPTION = Description(security=BEARER, operations={
        "POST /v1/things/{id}/capture": Doc(body=CAPTURE, example={"amount": 100}, first=(PAY,)),
    })

The document serves people, editors and fuzzers; a test performs every example and fuzzes every operation. Steps that
come first are in the extension `x-payera-first`, an operation that never succeeds says why in `x-payera-refuses`.
"""

import importlib
import importlib.util
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulators.kit.http import JSON

if TYPE_CHECKING:
    from simulators.kit.accounts import World
    from simulators.kit.routing import Route

Json = dict[str, Any]
FORM = "application/x-www-form-urlencoded"
HTML = "text/html"
BEARER: Json = {"type": "http", "scheme": "bearer"}


def api_key(header: str) -> Json:
    """The security scheme of a key in a header of its own."""
    return {"type": "apiKey", "in": "header", "name": header}


@dataclass(frozen=True, slots=True)
class Step:
    """A request that comes before an example.

    call  `METHOD /path`, with `{name}` for what earlier steps took; `CONTROL METHOD /path` asks the control plane about
          the account (`CONTROL POST /clock`), `SIMULATOR METHOD /path` the simulator (in the control plane's document)
    body  of the request, in the operation's media type (for GET and DELETE: the query); `{name}` is replaced inside
    take  name → dotted path into the answer (`data.0.id`; with `/` at its end, the last part of the URL found there)
    """

    call: str
    body: Any = None
    take: Mapping[str, str] = field(default_factory=dict)

    def view(self) -> Json:
        """As the document shows it."""
        return {"call": self.call, "body": self.body, "take": dict(self.take)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Doc:
    """What the document says of one operation.

    body, query  JSON Schema of the body; of each query parameter
    media_type   of the body (None: the description's)
    example      a body (for GET and DELETE: query parameters) that succeeds after `first`
    headers      of the operation's requests, over the credential; `{name}` is replaced inside
    refuses      why no request to this operation can succeed
    """

    summary: str = ""
    body: Json | None = None
    query: Mapping[str, Json] = field(default_factory=dict)
    media_type: str | None = None
    answers: str = JSON
    example: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    first: tuple[Step, ...] = ()
    refuses: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """A simulator's part: security scheme, usual media type of bodies, and its operations by `METHOD /path`."""

    security: Json
    operations: Mapping[str, Doc]
    media_type: str = JSON


@dataclass(frozen=True, slots=True)
class Operation:
    """One route as the document sees it. `public`: it takes no credential."""

    method: str
    path: str
    rule: str | None = None
    public: bool = False

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"


def description_of(slug: str) -> Description | None:
    """`DESCRIPTION` of `simulators/<slug>/openapi.py`; None where there is no such file."""
    name = f"simulators.{slug}.openapi"
    if importlib.util.find_spec(name) is None:
        return None
    found = importlib.import_module(name).DESCRIPTION
    if not isinstance(found, Description):
        raise TypeError(f"{name}.DESCRIPTION is no Description")
    return found


def of_world(world: "World") -> Json:
    """The document of a running simulator. Raises ValueError for a described operation that no route has."""
    description = description_of(world.slug) or Description(security=BEARER, operations={})
    operations = [
        Operation(route.method, route.path, route.operation, answers(route, description) == HTML)
        for route in world.routes
    ]
    return document(world.spec.title, world.url, operations, description)


def answers(route: "Route", description: Description) -> str:
    """The media type of what a route answers; what answers with a page is for the shopper, who has no key."""
    doc = description.operations.get(f"{route.method} {route.path}")
    return JSON if doc is None else doc.answers


def document(title: str, url: str, operations: Iterable[Operation], description: Description) -> Json:
    """An OpenAPI 3.1 document. Raises ValueError for a described operation that is not among `operations`."""
    paths: dict[str, Json] = {}
    unknown = set(description.operations)
    for operation in operations:
        unknown.discard(operation.key)
        doc = description.operations.get(operation.key, Doc())
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, doc, description)
    if unknown:
        raise ValueError(f"described, but no route has it: {', '.join(sorted(unknown))}")
    found: Json = {
        "openapi": "3.1.0",
        "info": {"title": f"{title}, simulated", "version": "1"},
        "servers": [{"url": url}],
        "paths": paths,
    }
    if description.security:
        found["components"] = {"securitySchemes": {"key": description.security}}
        found["security"] = [{"key": []}]
    return found


def _operation(operation: Operation, doc: Doc, description: Description) -> Json:
    names = re.findall(r"\{(\w+)\}", operation.path)
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}} for name in names
    ]
    for name, schema in doc.query.items():
        parameters.append({"name": name, "in": "query", "schema": schema, **_style(schema)})
    found: Json = {
        "operationId": re.sub(r"\W+", "_", f"{operation.method} {operation.path}").strip("_").lower(),
        "responses": {
            "2XX": {"description": "done", "content": {doc.answers: {}}},
            "4XX": {"description": "refused, in the PSP's own words", "content": {doc.answers: {}}},
        },
    }
    if doc.summary:
        found["summary"] = doc.summary
    if operation.public and description.security:
        found["security"] = []
    if operation.rule is not None:
        found["x-payera-operation"] = operation.rule
    if doc.first:
        found["x-payera-first"] = [step.view() for step in doc.first]
    if doc.headers:
        found["x-payera-headers"] = dict(doc.headers)
    if doc.refuses is not None:
        found["x-payera-refuses"] = doc.refuses
    if parameters:
        found["parameters"] = parameters
    if doc.body is not None:
        content: Json = {"schema": doc.body}
        if doc.example is not None:
            content["example"] = doc.example
        found["requestBody"] = {"content": {doc.media_type or description.media_type: content}}
    elif doc.example is not None:
        found["x-payera-example"] = doc.example
    return found


def _style(schema: Json) -> Json:
    return {"style": "deepObject", "explode": True} if "object" in str(schema.get("type", "")) else {}


# -- schemas that are needed again and again
def struct(properties: Mapping[str, Json], *required: str, closed: bool = True) -> Json:
    """An object. `closed`: other names are refused."""
    return {
        "type": "object",
        "properties": dict(properties),
        **({"required": list(required)} if required else {}),
        **({"additionalProperties": False} if closed else {}),
    }


def text(longest: int | None = None, *, shortest: int = 0, pattern: str | None = None) -> Json:
    """A string."""
    found: Json = {"type": "string"}
    found |= {"maxLength": longest} if longest is not None else {}
    found |= {"minLength": shortest} if shortest else {}
    return found | ({"pattern": pattern} if pattern is not None else {})


def whole(low: int | None = None, high: int | None = None) -> Json:
    """An integer."""
    found: Json = {"type": "integer"}
    found |= {"minimum": low} if low is not None else {}
    return found | ({"maximum": high} if high is not None else {})


def choice(*words: str) -> Json:
    """One of some words."""
    return {"type": "string", "enum": list(words)}


FLAG: Json = {"type": "boolean"}
MONEY = whole(0, 99_999_999)
CURRENCY = text(3, shortest=3, pattern="^[A-Z]{3}$")
STRINGS: Json = {"type": "object", "additionalProperties": {"type": "string"}}
ANY: Json = {}
