"""The environment that `make env-up` started; these tests look at it and start none of their own."""

import json
from pathlib import Path
from typing import Any

import pytest

from compose.containers import engine, state


@pytest.fixture(scope="session")
def env() -> dict[str, Any]:
    """Its env.json. A missing one is a failure: these tests were asked for."""
    file = state.default_folder().env_file
    if not file.exists():
        pytest.fail(f"{file} is not there: `make env-up` first, or `make containers` for all of it")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def secrets(env: dict[str, Any]) -> dict[str, bytes]:
    """What must be seen nowhere, by name: passwords, the admin key, the contents of the key files."""
    folder = state.Folder(Path(env["state"]))
    files = [file for file in folder.secrets.iterdir() if file.name != "kafka_cluster"]
    found = {file.name: file.read_bytes() for file in files}
    found |= {file.name: file.read_bytes().strip() for file in folder.keys.glob("*.key")}
    kek = json.loads((folder.keys / "kek.json").read_text(encoding="utf-8"))
    return found | {f"kek {name}": value.encode() for name, value in kek["keys"].items()}


@pytest.fixture(scope="session")
def inspected(env: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the engine says of every container, by service."""
    rows = engine.inspect(*sorted({name for names in env["containers"].values() for name in names}))
    return {row["Config"]["Labels"]["com.docker.compose.service"]: row for row in rows}
