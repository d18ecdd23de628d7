"""What differs from a published file, by JSON pointer; and a walk through a simulator's own examples."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from simulators.cli import app
from simulators.conform.published import Drift, NotASpec, Spec
from tests.parts import Simulators

Json = dict[str, Any]
RUN = CliRunner()
REF = "#/components/schemas/"
THING: Json = {
    "type": "object",
    "required": ["id", "amount"],
    "properties": {
        "id": {"type": "string"},
        "amount": {"type": "integer"},
        "note": {"type": "string", "nullable": True},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/part"}},
        "source": {"$ref": "#/components/schemas/source"},
    },
}
SPEC: Json = {
    "openapi": "3.0.0",
    "servers": [{"url": "https://psp.example/v71"}],
    "paths": {
        "/things/{id}": {
            "get": {
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/thing"}}}},
                    "4XX": {"content": {"application/json": {"schema": {"required": ["error"]}}}},
                    "204": {},
                }
            }
        },
        "/things/search": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {}}}}}}},
    },
    "components": {
        "schemas": {
            "thing": THING,
            "part": {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"name": {"type": "string"}}}]},
            "source": {
                "type": "object",
                "properties": {"type": {"type": "string"}},
                "discriminator": {
                    "propertyName": "type",
                    "mapping": {"card": "#/components/schemas/card", "x": "gone"},
                },
            },
            "card": {"allOf": [{"$ref": "#/components/schemas/source"}, {"properties": {"last4": {"type": "string"}}}]},
        }
    },
}
GOOD: Json = {"id": "t_1", "amount": 1, "note": None, "parts": ["a", {"name": "b"}], "source": {"last4": "4242"}}
AT = "GET /things/{id}"


def judge(body: Any, status: int = 200, path: str = "/v71/things/1") -> list[Drift]:
    return Spec(SPEC).judge("GET", path, status, body)


@pytest.mark.parametrize("path", ["/things/1", "/v71/things/1", "/v72/things/1"])
def test_what_is_published_does_not_differ(path: str) -> None:
    assert judge(GOOD, path=path) == []
    assert judge(None, 204, path) == []
    assert judge({"error": 1}, 404, path) == []
    assert judge({"anything": 1}, path="/v71/things/search") == []


def test_each_difference_is_named_by_its_place() -> None:
    assert judge({**GOOD, "amount": "1"}) == [Drift(AT, "/amount", "value", "'1' is not of type 'integer'")]
    assert judge({"id": "t_1"}) == [Drift(AT, "", "value", "'amount' is a required property")]
    added = "the file has no such field"
    assert judge({**GOOD, "colour": "red"}) == [Drift(AT, "/colour", "added", added)]
    assert judge({**GOOD, "parts": [{"name": "b", "size": 1}]}) == [Drift(AT, "/parts/*/size", "added", added)]
    assert judge({**GOOD, "source": {"last4": "1", "bin": "2"}}) == [Drift(AT, "/source/bin", "added", added)]
    assert [(d.kind, d.operation) for d in judge(GOOD, 302)] == [("status", AT)]
    assert [(d.kind, d.operation) for d in judge({}, path="/others")] == [("operation", "GET /others")]
    assert [d.kind for d in judge(None)] == ["value"]
    assert [d.kind for d in judge(GOOD, 204)] == ["value"]


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    for text in ("{", '{"swagger": "2.0"}', "[]"):
        (tmp_path / "spec.json").write_text(text)
        with pytest.raises(NotASpec):
            Spec.read(tmp_path / "spec.json")


@pytest.fixture
def control(sims: Simulators, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PAYERA_CONTROL", sims.control)
    return sims.control


def own_document(control: str, slug: str, tmp_path: Path, **changed: Any) -> Path:
    """A file that describes `GET /v1/charges/{id}` of dummypay, one field short."""
    charge = {"type": "object", "properties": {name: {} for name in CHARGE}}
    content = {"application/json": {"schema": charge}}
    spec = {"openapi": "3.1.0", "paths": {"/v1/charges/{id}": {"get": {"responses": {"200": {"content": content}}}}}}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    return tmp_path / "spec.json"


CHARGE = ("id", "object", "status", "amount", "amount_captured", "amount_refunded", "currency", "code", "message",
          "reference", "payment", "description", "card", "created", "network_advice", "expired",
          "initiator")  # fmt: skip


def test_a_simulator_is_toured_and_its_drift_found(control: str, tmp_path: Path) -> None:
    file = own_document(control, "dummypay", tmp_path)
    done = RUN.invoke(app, ["conform", "dummypay", "--spec", str(file), "--json"])
    assert done.exit_code == 1, done.output
    found = json.loads(done.stdout)
    charges = [one for one in found["drift"] if one["operation"] == "GET /v1/charges/{id}"]
    assert [(one["pointer"], one["kind"]) for one in charges] == [("/network_transaction_id", "added")]
    assert {one["kind"] for one in found["drift"]} == {"added", "operation"}
    ignored = ["--ignore", "*#/network_transaction_id", "--ignore", "POST *", "--ignore", "GET /v1/*#"]
    done = RUN.invoke(app, ["conform", "dummypay", "--spec", str(file), *ignored])
    assert (done.exit_code, "0 differences" in done.output) == (0, True), done.output


def test_what_cannot_be_judged_is_2(control: str, tmp_path: Path) -> None:
    for words in (["dummypay", "--spec", str(tmp_path / "absent.json")], ["--spec", "pyproject.toml"]):
        done = RUN.invoke(app, ["conform", *words])
        assert done.exit_code == 2, done.output
