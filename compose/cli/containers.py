"""`payera env …`: the environment on containers."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from compose.cli import rehearsal
from compose.containers import environment, state
from compose.containers.engine import EngineFailed

app = typer.Typer(no_args_is_help=True, help="The environment on containers, with Apache Kafka.")
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
NOT_RUNNING = 3

State = Annotated[
    Path | None,
    typer.Option("--state", help="Its folder (default: compose below $PAYERA_STATE, else below ./.payera)."),
]


def _folder(given: Path | None) -> state.Folder:
    return state.Folder(given.absolute()) if given is not None else state.default_folder()


def _fail(error: Exception) -> typer.Exit:
    err.print(f"[red]payera:[/red] {escape(str(error))}")
    return typer.Exit(1)


@app.command()
def up(folder: State = None) -> None:
    """Build what is missing, start everything and return when all of it is healthy."""
    began = time.monotonic()
    chosen = _folder(folder)
    try:
        env = environment.up(chosen, progress=lambda line: out.print(escape(line)))
    except (EngineFailed, OSError) as error:
        raise _fail(error) from None
    out.print(f"[green]up in {time.monotonic() - began:.1f} s[/green]; addresses and keys: {chosen.env_file}")
    for name in ("gateway", "control", "temporal", "kafka"):
        out.print(f"  {name:8} {env[name]}")


@app.command()
def down(folder: State = None) -> None:
    """Stop and remove everything: no container, network or volume is left."""
    try:
        removed = environment.down(_folder(folder))
    except (EngineFailed, OSError) as error:
        raise _fail(error) from None
    for line in removed:
        out.print(f"[dim]removed {escape(line)}[/dim]")
    out.print("down: no container, network or volume is left")


@app.command()
def status(folder: State = None) -> None:
    """Show every container. Exit code 0: all are as they should be; 1: one is not; 3: there is none."""
    chosen = _folder(folder)
    try:
        rows = environment.status(chosen)
    except EngineFailed as error:
        raise _fail(error) from None
    if not rows:
        out.print(f"not running: {chosen.path}")
        raise typer.Exit(NOT_RUNNING)
    table = Table("service", "container", "state", "since")
    for row in rows:
        colour = "green" if row.is_well else "red"
        table.add_row(row.service, row.name, f"[{colour}]{row.shown}[/{colour}]", row.since[:19])
    out.print(table)
    if not all(row.is_well for row in rows):
        raise typer.Exit(1)


@app.command()
def rehearse(
    packs: Annotated[list[str] | None, typer.Argument(help="Packs to run (default: smoke cascading).")] = None,
    reports: Annotated[Path, typer.Option(help="Where the JUnit report goes.")] = Path("reports"),
) -> None:
    """Bring it up, run packs, look for card numbers, test the containers, take it down. What CI does."""
    try:
        rehearsal.run(packs, reports)
    except (EngineFailed, OSError) as error:
        raise _fail(error) from None
