"""What the commands of `payera sim` share: calls to the control plane, refusals as one line, tables.

An account is named by its id, or by its API key; without one, a simulator's first account in env.json is meant.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

PIPE_WIDTH = 400
"""Characters of a line that goes into a file or a pipe: a key cut short is of no use there."""
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)


Slug = Annotated[str, typer.Argument(help="Which simulator: stripe, dummypay, …")]
AccountOption = Annotated[
    str | None, typer.Option("--account", "-a", help="Account id or API key; default: the environment's own account.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
TIMEOUT_S = 60.0
"""Of a call to the control plane: moving a clock answers when everything that became due is done."""


class ControlFailed(Exception):
    """Shown as one line; exit code 1."""


def environment() -> dict[str, Any]:
    state = Path(os.environ.get("PAYERA_STATE", ".payera"))
    try:
        found: dict[str, Any] = json.loads((state / "env.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def control() -> str:
    url = os.environ.get("PAYERA_CONTROL") or environment().get("control")
    if not url:
        raise ControlFailed("no control plane: start one with `payera up`, or name it in PAYERA_CONTROL")
    return str(url)


def call(method: str, path: str, body: Any = None) -> Any:
    """One call to the control plane; its refusals and a silent address end the command with one line."""
    return json.loads(fetch(method, path, body)[0])


def fetch(method: str, path: str, body: Any = None) -> tuple[bytes, Message]:
    """The bytes that the control plane answers, and its headers."""
    try:
        request = urllib.request.Request(  # noqa: S310 - the control plane's own address
            control() + path,
            None if body is None else json.dumps(body).encode(),
            {"content-type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return answer.read(), answer.headers
    except urllib.error.HTTPError as refused:
        with refused:
            try:
                said = json.load(refused)["error"]["message"]
            except (ValueError, KeyError):
                said = refused.reason
        raise refuse(f"{refused.code}: {said}") from None
    except (ControlFailed, OSError) as failed:
        raise refuse(str(failed)) from None


def refuse(message: str) -> typer.Exit:
    err.print(f"[red]payera sim:[/red] {escape(message)}")
    return typer.Exit(1)


def account_path(slug: str, wanted: str | None) -> str:
    """The path of an account."""
    if wanted is None:
        wanted = environment().get("simulators", {}).get(slug, {}).get("account")
        if wanted is None:
            raise refuse(f"the environment has no account at {slug}: name one with --account")
    known = call("GET", f"/v1/{slug}/accounts")["accounts"]
    for account in known:
        if wanted in (account["account"], account["api_key"]):
            return f"/v1/{slug}/accounts/{account['account']}"
    raise refuse(f"no account {wanted!r} at {slug}")


def from_yaml(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as wrong:
        raise refuse(f"not YAML: {wrong}") from None


def show(value: Any) -> None:
    out.print(json.dumps(value, indent=2, ensure_ascii=False), markup=False)


def print_table(rows: list[dict[str, Any]], columns: tuple[str, ...], empty: str) -> None:
    if not rows:
        out.print(empty)
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(escape("" if row.get(name) is None else str(row[name])) for name in columns))
    out.print(table)
