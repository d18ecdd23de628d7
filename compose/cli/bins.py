"""`payera bins`: where cards come from, by their first digits."""

import asyncio
import re
from pathlib import Path
from typing import Annotated

import asyncpg
import typer
from rich.console import Console
from rich.markup import escape

from compose import bin_table
from compose.cli.reach import Unreachable, database_of
from gateway.domain.bin_table import BadBinTable

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Where cards come from, by their first digits.")
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

FAULTS_SHOWN = 20
NOT_LISTED = 3
"""Exit code of `look` where the table says nothing."""

EnvFile = Annotated[
    Path | None, typer.Option("--env-file", help="env.json of the environment; ./.payera's if not told.")
]
Dsn = Annotated[str | None, typer.Option("--dsn", help="The database instead, as payera_relay or superuser.")]


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV with a header, or a JSON list; see docs/reporting.md.")],
    replace: Annotated[bool, typer.Option("--replace", help="Remove what the file does not hold.")] = False,
    env_file: EnvFile = None,
    dsn: Dsn = None,
) -> None:
    """Put a file's rows into the BIN table, all or none. Exit code 1: a line is wrong, nothing was done."""
    try:
        table = bin_table.read_file(file)
        out.print(f"{file.name}: {len(table)} prefixes")
        done = asyncio.run(
            bin_table.import_bins(database_of(env_file, dsn), table, replace=replace, progress=_progress)
        )
    except BadBinTable as error:
        for fault in error.faults[:FAULTS_SHOWN]:
            err.print(f"[red]{escape(file.name)}[/red] {escape(str(fault))}")
        if len(error.faults) > FAULTS_SHOWN:
            err.print(f"and {len(error.faults) - FAULTS_SHOWN} more")
        raise typer.Exit(1) from None
    except (Unreachable, OSError, ValueError, asyncpg.PostgresError) as error:
        err.print(f"[red]payera:[/red] {escape(str(error))}")
        raise typer.Exit(1) from None
    out.print(
        f"[green]{done.added} added, {done.changed} changed, {done.removed} removed[/green]; the table has {done.bins}"
    )


def _progress(done: int, of: int) -> None:
    if of > bin_table.ROWS_PER_CALL:
        out.print(f"  {done} of {of}")


@app.command()
def look(
    prefix: Annotated[str, typer.Argument(help="The first 6 to 11 digits of a card number; never all of them.")],
    env_file: EnvFile = None,
    dsn: Dsn = None,
) -> None:
    """What the table says of a number's first digits. Exit code 3: nothing."""
    if not re.fullmatch(r"[0-9]{6,11}", prefix, re.ASCII):
        err.print("[red]payera:[/red] give the first 6 to 11 digits of a card number")
        raise typer.Exit(1)
    try:
        found = asyncio.run(bin_table.look(database_of(env_file, dsn), prefix))
    except (Unreachable, OSError, asyncpg.PostgresError) as error:
        err.print(f"[red]payera:[/red] {escape(str(error))}")
        raise typer.Exit(1) from None
    if found is None:
        out.print(f"{prefix}: not listed")
        raise typer.Exit(NOT_LISTED)
    for name in ("prefix", "brand", "issuer_country", "funding", "issuer"):
        out.print(f"{name:15} {escape(str(found[name] or '-'))}")
