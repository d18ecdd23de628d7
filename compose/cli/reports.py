"""`payera reports`: what reporting keeps, compared with the events it came from, and built again from them."""

import asyncio
import json
import time
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer
from rich.console import Console
from rich.markup import escape

from compose.cli.reach import Unreachable, database_of

app = typer.Typer(no_args_is_help=True, add_completion=False, help="What reporting has counted from the events.")
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

LOOK_EVERY_S = 0.5


@app.callback()
def _reports() -> None:
    """Keeps `rebuild` a command of its own."""


@app.command()
def rebuild(
    check: Annotated[bool, typer.Option("--check", help="Compare only. Exit code 1 where anything differs.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds that reporting may take to consume what is on its way.")] = 30.0,
    rows: Annotated[int, typer.Option(help="How many differing rows to show per table.")] = 5,
    env_file: Annotated[
        Path | None, typer.Option("--env-file", help="env.json of the environment; ./.payera's if not told.")
    ] = None,
    dsn: Annotated[
        str | None, typer.Option("--dsn", help="The database instead, as payera_relay or superuser.")
    ] = None,
) -> None:
    """Build archive, attempts, tallies and daily totals again from the outbox archive and put them in place at once.

    The live ones are compared first, and what differs is shown. Exit code 1: they differ (`--check`), or events are
    missing that reporting did not consume within `--wait`; 2: it could not be found out.
    """
    try:
        said = asyncio.run(_rebuild(database_of(env_file, dsn), check=check, wait_s=wait, rows=rows))
    except (Unreachable, OSError, asyncpg.PostgresError) as error:
        err.print(f"[red]payera:[/red] {escape(str(error))}")
        raise typer.Exit(2) from None
    out.print(f"{said['events']} events in the outbox archive, {said['behind']} of them not consumed by reporting")
    for table, count in said["differences"].items():
        out.print(f"  {table:15} {f'[red]{count} rows differ[/red]' if count else 'equal'}")
    for row in said["rows"]:
        out.print(escape(f"    {row['table']} {json.dumps(row['key'])}"))
        for side in ("live", "rebuilt"):
            if row[side] is not None:
                row[side].pop("event", None)  # an event whole is a page; its id is the key
            out.print(escape(f"      {side:8}{json.dumps(row[side]) if row[side] else 'not there'}"))
    if said["replaced"]:
        out.print("[green]rebuilt, and in place[/green]")
    elif any(said["differences"].values()) or said["behind"]:
        raise typer.Exit(1)


async def _rebuild(dsn: str, *, check: bool, wait_s: float, rows: int) -> dict[str, Any]:
    """Ask until nothing is on its way any more or the time is over; then once more, for good, if it is no check."""
    deadline = time.monotonic() + wait_s
    connection = await asyncpg.connect(dsn)
    try:
        while True:
            said = await _ask(connection, check=True, rows=rows)
            if not said["behind"] or time.monotonic() > deadline:
                break
            await asyncio.sleep(LOOK_EVERY_S)
        return said if check else await _ask(connection, check=False, rows=rows)
    finally:
        await connection.close()


async def _ask(connection: "asyncpg.Connection[asyncpg.Record]", *, check: bool, rows: int) -> dict[str, Any]:
    p = json.dumps({"check": check, "rows": rows})
    answer: dict[str, Any] = json.loads(await connection.fetchval("select sys.reports_rebuild_v1($1::jsonb)", p))
    return answer
