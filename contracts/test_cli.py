"""The commands: what they print, and their exit codes."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.cli import app
from contracts.kit import consumer
from contracts.kit.simulated import simulated
from contracts.kit.tampering import renaming

RUN = CliRunner()


def test_a_contract_that_holds_is_0() -> None:
    done = RUN.invoke(app, ["verify", "dummypay"])
    assert done.exit_code == 0, done.output
    assert "a void of what is captured" in done.output
    assert "interactions hold" in done.output


def test_a_broken_contract_is_1_and_says_where() -> None:
    with simulated(["dummypay"], renaming("dummypay", "network_transaction_id")) as running:
        done = RUN.invoke(app, ["verify", "dummypay", "--control", running.control])
    assert done.exit_code == 1, done.output
    assert "4 of 31 interactions do not hold" in done.output
    assert "network_transaction_id" in done.output


def test_what_cannot_be_found_out_is_2(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unknown = RUN.invoke(app, ["verify", "nobody"])
    assert (unknown.exit_code, "no contract for nobody" in unknown.output) == (2, True)
    away = RUN.invoke(app, ["verify", "dummypay", "--control", "http://127.0.0.1:1"])
    assert away.exit_code == 2
    monkeypatch.setattr("contracts.kit.provider.pact_file", lambda slug: tmp_path / "absent.json")
    missing = RUN.invoke(app, ["verify", "dummypay"])
    assert (missing.exit_code, "absent.json is missing" in missing.output) == (2, True)


def test_generating_removes_what_is_no_longer_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pacts = tmp_path / "dummypay" / "pacts"
    shutil.copytree(consumer.FOLDER / "dummypay" / "pacts", pacts)
    (pacts / "gateway-of-yesterday.json").write_text("{}")
    monkeypatch.setattr("contracts.cli.FOLDER", tmp_path)
    done = RUN.invoke(app, ["generate", "dummypay"])
    assert done.exit_code == 0, done.output
    assert [path.name for path in pacts.iterdir()] == ["gateway-dummypay.json"]
    committed = consumer.pact_file("dummypay")
    assert (pacts / committed.name).read_bytes() == committed.read_bytes()
