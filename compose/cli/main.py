"""The command `payera`: the environment here, everything else from the packages that bring a Typer app."""

import asyncio
import importlib
import importlib.util
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from compose.embedded import environment
from compose.embedded.environment import EnvironmentFailed
from compose.embedded.layout import default_state

NOT_RUNNING = 3
"""Exit code of `status` when there is no environment (1: there is one, and it is not well)."""

MODULES = {
    "scenarios": "scenarios.cli",
    "sim": "simulators.cli",
    "contracts": "contracts.cli",
    "gate": "scenarios.gate_cli",
    "demo": "compose.cli.demo",
    "kafka": "compose.cli.kafka",
    "scan": "scenarios.scan_cli",
    "new-psp": "compose.cli.new_psp",
    "env": "compose.cli.containers",
    "ops": "compose.cli.ops",
    "bins": "compose.cli.bins",
    "reports": "compose.cli.reports",
}
"""Commands brought by other modules, each a Typer app named `app`; one that is absent is left out."""


def _present(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # its package is missing
        return False


class LazyGroup(TyperGroup):
    """Imports a module of `MODULES` only when its command is asked for: `payera status` must not wait for the rest."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *(name for name, module in MODULES.items() if _present(module))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        module = MODULES.get(cmd_name)
        if module is None or not _present(module):
            return super().get_command(ctx, cmd_name)
        command = typer.main.get_command(importlib.import_module(module).app)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Payera: a payments gateway with its simulated PSPs.",
)
process = typer.Typer(no_args_is_help=True, help="Break and mend one process of the running environment.")
database = typer.Typer(no_args_is_help=True, help="The database of the running environment.")
app.add_typer(process, name="process")
app.add_typer(database, name="db")
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

State = Annotated[Path | None, typer.Option("--state", help="State folder (default: $PAYERA_STATE, else ./.payera).")]


def _state(given: Path | None) -> Path:
    return given.absolute() if given is not None else default_state()


def _fail(error: Exception) -> typer.Exit:
    err.print(f"[red]payera:[/red] {escape(str(error))}")
    return typer.Exit(1)


@app.command()
def up(
    state: State = None,
    port_base: Annotated[
        int | None, typer.Option(help="Gateway here, control plane at +20, simulators from +31; 0: any free ports.")
    ] = None,
    parts: Annotated[bool, typer.Option("--parts", help="Only PostgreSQL (migrated), Temporal and Kafka.")] = False,
    kafka: Annotated[
        str | None,
        typer.Option(help="librdkafka (the little broker, the default) or apache (Java 17, `payera kafka install`)."),
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE for the gateway's processes, e.g. PAYERA_LEASE_S=5.")
    ] = None,
) -> None:
    """Start the environment in the background and return when everything is healthy."""
    folder = _state(state)
    began = time.monotonic()
    try:
        pairs = dict(_pair(text) for text in setting or [])
        word = environment.up(
            folder,
            port_base=port_base,
            parts_only=parts,
            kafka=kafka,
            extra=pairs,
            progress=lambda line: out.print(escape(line)),
        )
        env = environment.read_env(folder)
    except (EnvironmentFailed, OSError) as error:
        raise _fail(error) from None
    said = {"running": "already running", "repaired": "repaired", "started": f"up in {time.monotonic() - began:.1f} s"}
    out.print(f"[green]{said[word]}[/green]; all addresses and keys: {folder / 'env.json'}")
    for name in ("gateway", "control", "temporal", "kafka"):
        out.print(f"  {name:8} {env[name] or 'not started'}")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.startswith("PAYERA_"):
        raise EnvironmentFailed(f"--set wants PAYERA_NAME=VALUE, not {text!r}")
    return name, value


@app.command()
def down(
    state: State = None,
    erase: Annotated[bool, typer.Option("--erase", help="Remove the state folder too.")] = False,
) -> None:
    """Stop the environment: no process and no port is left."""
    try:
        ended = environment.down(_state(state), erase=erase)
    except (EnvironmentFailed, OSError) as error:
        raise _fail(error) from None
    if ended:
        out.print(f"ended what a killed supervisor had left: {', '.join(ended)}")
    out.print("down")


@app.command()
def status(state: State = None) -> None:
    """Show every process. Exit code 0: all healthy; 1: one is not, and its last log lines follow; 3: not running."""
    folder = _state(state)
    answer = environment.status(folder)
    if answer is None:
        if environment.was_killed(folder):
            out.print(f"[red]supervisor: killed[/red], and its processes with it; `payera up` starts again: {folder}")
            raise typer.Exit(1)
        out.print(f"not running: {folder}")
        raise typer.Exit(NOT_RUNNING)
    table = Table("process", "state", "pid", "port", "up for")
    for row in answer["processes"]:
        colour = "green" if row["healthy"] else "red"
        age = f"{time.time() - row['since']:.0f} s" if row["running"] else ""
        table.add_row(row["name"], f"[{colour}]{row['state']}[/{colour}]", str(row["pid"]), str(row["port"] or ""), age)
    out.print(table)
    ill = [row for row in answer["processes"] if not row["healthy"]]
    for row in ill:
        out.print(f"[red]{row['name']}: {row['state']}[/red]; last lines of {row['log']}:")
        out.print(escape(row["tail"]))
    if ill or answer["phase"] != "ready":
        out.print(f"phase: {answer['phase']}")
        raise typer.Exit(1)


@process.command("kill")
def kill(
    name: str,
    state: State = None,
    number: Annotated[int, typer.Option("--signal", help="Signal number.")] = 9,
) -> None:
    """Send a signal to one process and wait for its end. Nothing starts it again by itself."""
    try:
        answer = environment.order(_state(state), {"do": "kill", "name": name, "signal": number})
    except EnvironmentFailed as error:
        raise _fail(error) from None
    out.print(f"{name} (pid {answer['pid']}) ended with {answer['code']}")


@process.command("restart")
def restart(name: str, state: State = None) -> None:
    """Start one process again (stop it first if it runs) and return when it is healthy."""
    try:
        answer = environment.order(_state(state), {"do": "restart", "name": name})
    except EnvironmentFailed as error:
        raise _fail(error) from None
    out.print(f"{name} is healthy, pid {answer['pid']}")


@database.command("migrate")
def migrate(state: State = None, dsn: Annotated[str | None, typer.Option(help="Superuser's DSN.")] = None) -> None:
    """Apply what is missing of the migrations and functions."""
    try:
        target = dsn or environment.read_env(_state(state))["postgres"]
        asyncio.run(importlib.import_module("sql.migrate").apply(target))
    except EnvironmentFailed as error:
        raise _fail(error) from None
    out.print("migrated")


if __name__ == "__main__":
    app()
