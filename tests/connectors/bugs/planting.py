"""Connectors with a bug in them: a copy of the folder, one or two lines changed, imported under a name of its own.

`*.yaml` beside this file: what the bug is, which check of the conformance suite catches it, and, per provider, the
lines to change. A line that is no longer there is an error: the bug must be planted anew.
"""

import contextlib
import importlib.util
import sys
import textwrap
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gateway.connectors.http import HttpClient
from gateway.use_cases.ports import Connector

HERE = Path(__file__).parent
CONNECTORS = HERE.parents[2] / "gateway" / "connectors"


@dataclass(frozen=True, slots=True)
class Bug:
    """`check` is a function of the conformance suite, `arguments` its parameters besides the bench."""

    name: str
    check: str
    arguments: Mapping[str, Any]
    changes: Mapping[str, list[Mapping[str, str]]]


def bugs() -> list[Bug]:
    """All of them, in order of their files' names."""
    return [_bug(path) for path in sorted(HERE.glob("*.yaml"))]


def _bug(path: Path) -> Bug:
    told = yaml.safe_load(path.read_text("utf-8"))
    changes = {
        slug: [change, *([change["also"]] if "also" in change else [])] for slug, change in told["planted"].items()
    }
    return Bug(path.stem, told["caught_by"], told.get("with", {}), changes)


@contextlib.contextmanager
def planted(slug: str, changes: list[Mapping[str, str]], folder: Path) -> Iterator[Callable[[HttpClient], Connector]]:
    """The factory of a changed connector; `changes` may be empty: a faithful copy."""
    package = f"planted_{uuid.uuid4().hex}"
    home = folder / package
    home.mkdir()
    for source in (CONNECTORS / slug).glob("*.py"):
        text = source.read_text("utf-8")
        for change in changes:
            if change["file"] == source.name:
                text = changed(text, change["old"], change["new"])
        (home / source.name).write_text(text.replace(f"gateway.connectors.{slug}", package), "utf-8")
    spec = importlib.util.spec_from_file_location(package, home / "__init__.py", submodule_search_locations=[str(home)])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    try:
        spec.loader.exec_module(module)
        factory: Callable[[HttpClient], Connector] = module.CONNECTOR
        yield factory
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == package]:
            del sys.modules[name]


def changed(text: str, old: str, new: str) -> str:
    """`text` with the one place of `old` replaced: a part of a line, or whole lines however they are indented."""
    if not old.endswith("\n"):
        if text.count(old) == 1:
            return text.replace(old, new)
        raise LookupError(f"not once in the connector: {old!r}")
    old, new = textwrap.dedent(old), textwrap.dedent(new)
    for indent in range(0, 17, 4):
        there = "\n" + textwrap.indent(old, " " * indent)
        if text.count(there) == 1:
            return text.replace(there, "\n" + textwrap.indent(new, " " * indent))
    raise LookupError(f"not once in the connector: {old!r}")
