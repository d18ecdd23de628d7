"""`payera contracts …`: pacts generated, verified, published."""

import shutil
import time
from contextlib import nullcontext
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from compose.embedded.http import CallFailed
from contracts.kit.consumer import ContractBroken, consumers, pact_file, play_all
from contracts.kit.provider import CannotVerify, Verdict, verify
from contracts.kit.simulated import at, simulated

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Contracts between connectors and PSPs, and of our own events."
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
BROKEN, CANNOT = 1, 2
"""Exit codes: a contract does not hold; it could not be found out."""

Slugs = Annotated[list[str] | None, typer.Argument(help="Providers; default: all.")]


def _chosen(slugs: list[str] | None) -> list[str]:
    known = consumers()
    if unknown := [slug for slug in slugs or () if slug not in known]:
        raise _cannot(f"no contract for {', '.join(unknown)}; there are: {', '.join(known)}")
    return slugs or list(known)


def _cannot(message: str) -> typer.Exit:
    err.print(f"[red]payera contracts:[/red] {escape(message)}")
    return typer.Exit(CANNOT)


@app.command()
def generate(slugs: Slugs = None) -> None:
    """Play the consumers' sides and write the pacts anew."""
    for slug in _chosen(slugs):
        folder = pact_file(slug).parent
        shutil.rmtree(folder, ignore_errors=True)
        try:
            out.print(str(play_all(consumers()[slug], folder).relative_to(folder.parents[2])))
        except ContractBroken as broken:
            err.print(f"[red]{escape(str(broken))}[/red]")
            raise typer.Exit(BROKEN) from None


@app.command("verify")
def verify_pacts(
    slugs: Slugs = None,
    control: Annotated[
        str | None, typer.Option(help="Control plane of simulators that run already; default: own ones, just for this.")
    ] = None,
) -> None:
    """Replay every pact against its provider. Exit code 0: all hold; 1: one does not; 2: it could not be found out."""
    began = time.monotonic()
    verdicts: dict[str, list[Verdict]] = {}
    chosen = _chosen(slugs)
    try:
        with nullcontext(at(control)) if control else simulated(chosen) as running:
            for slug in chosen:
                verdicts[slug] = verify(consumers()[slug], running)
    except (CannotVerify, CallFailed) as cannot:
        raise _cannot(str(cannot)) from None
    _show(verdicts)
    broken = sum(not verdict.ok for found in verdicts.values() for verdict in found)
    total = sum(map(len, verdicts.values()))
    colour = "red" if broken else "green"
    said = f"{broken} of {total} interactions do not hold" if broken else f"{total} interactions hold"
    out.print(f"[{colour}]{said}[/{colour}], {time.monotonic() - began:.1f} s")
    if broken:
        raise typer.Exit(BROKEN)


def _show(verdicts: dict[str, list[Verdict]]) -> None:
    table = Table("provider", "interaction", "result")
    for slug, found in verdicts.items():
        for verdict in found:
            result = "[green]holds[/green]" if verdict.ok else "[red]broken[/red]"
            table.add_row(slug, escape(verdict.interaction), result)
    out.print(table)
    for slug, found in verdicts.items():
        for verdict in found:
            if not verdict.ok:
                out.print(f"[red]{slug}: {escape(verdict.interaction)}[/red]")
                for difference in verdict.differences:
                    out.print(f"    {escape(difference)}")


if __name__ == "__main__":
    app()
