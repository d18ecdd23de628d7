"""The environments that a checkout can have at once, and where each tells of itself."""

import os
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """The environments that a checkout can have at once."""

    embedded = "embedded"
    compose = "compose"


def env_file(given: Path | None, kind: Kind = Kind.embedded) -> Path:
    """The env.json to use: the one told, else that of the state folder (`PAYERA_STATE`, `.payera`), by kind."""
    state = Path(os.environ.get("PAYERA_STATE", ".payera"))
    return given or (state / "compose" if kind is Kind.compose else state) / "env.json"
