"""Which database a command works on: one that is named, else that of an environment."""

import json
from pathlib import Path

from compose.embedded.layout import default_state


class Unreachable(Exception):
    """No database was named, and no environment tells of one."""


def database_of(env_file: Path | None, dsn: str | None) -> str:
    """The address of the database. Raises `Unreachable`, which says how to name one."""
    if dsn is not None:
        return dsn
    path = env_file or default_state() / "env.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return str(found["postgres"])
    except FileNotFoundError:
        raise Unreachable(
            f"{path} is not there: start an environment (`payera up`), or name one by --env-file"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreachable(f"{path} tells of no database: {type(error).__name__}") from None
