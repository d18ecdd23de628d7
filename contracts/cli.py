"""`payera contracts …`: pacts generated, verified, published."""

import shutil
import subprocess
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from compose.embedded.http import CallFailed
from compose.embedded.process import ProcessFailed
from contracts import coverage
from contracts.events.messages import CONTRACTS, play_events
from contracts.events.provider import database, real_events
from contracts.events.verification import verify_events
from contracts.kit.broker import DEPLOYED, Broker, BrokerFailed
from contracts.kit.consumer import FOLDER, ContractBroken, consumers, pact_file, play_all
from contracts.kit.provider import CannotVerify, Verdict, verify
from contracts.kit.simulated import at, simulated

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Contracts between connectors and PSPs, and of our own events."
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
EVENTS = "events"
"""Not a provider: the contracts of our own events."""
BROKEN, CANNOT = 1, 2
"""Exit codes: a contract does not hold; it could not be found out."""

Slugs = Annotated[list[str] | None, typer.Argument(help="Providers; default: all.")]


def _chosen(slugs: list[str] | None) -> list[str]:
    known = [*consumers(), EVENTS]
    if unknown := [slug for slug in slugs or () if slug not in known]:
        raise _cannot(f"no contract for {', '.join(unknown)}; there are: {', '.join(known)}")
    return slugs or known


def _cannot(message: str) -> typer.Exit:
    err.print(f"[red]payera contracts:[/red] {escape(message)}")
    return typer.Exit(CANNOT)


@app.command()
def generate(slugs: Slugs = None) -> None:
    """Play the consumers' sides and write the pacts anew."""
    broken = False
    for slug in _chosen(slugs):
        folder = FOLDER / slug / "pacts"
        with tempfile.TemporaryDirectory() as temporary:
            try:
                made = _played(slug, Path(temporary))
            except ContractBroken as found:
                err.print(f"[red]{escape(str(found))}[/red]")
                broken = True
                continue
            shutil.rmtree(folder, ignore_errors=True)  # what no longer exists must not stay
            folder.mkdir()
            for path in made:
                shutil.copy(path, folder)
                out.print(f"contracts/{slug}/pacts/{path.name}")
    if broken:
        raise typer.Exit(BROKEN)


def _played(slug: str, folder: Path) -> list[Path]:
    if slug == EVENTS:
        return [play_events(contract, folder) for contract in CONTRACTS]
    return [play_all(consumers()[slug], folder)]


def _verified(chosen: list[str], control: str | None = None) -> dict[Path, list[Verdict]]:
    """The verdicts of each pact file. Ends the command where they could not be found out."""
    verdicts: dict[Path, list[Verdict]] = {}
    try:
        if providers := [slug for slug in chosen if slug != EVENTS]:
            with nullcontext(at(control)) if control else simulated(providers) as running:
                for slug in providers:
                    verdicts[pact_file(slug)] = verify(consumers()[slug], running)
        if EVENTS in chosen:
            with database() as postgres:
                events = real_events(postgres)
            for contract in CONTRACTS:
                verdicts[contract.file] = verify_events(contract, events)
    except (CannotVerify, CallFailed, ProcessFailed) as cannot:
        raise _cannot(str(cannot)) from None
    return verdicts


@app.command("verify")
def verify_pacts(
    slugs: Slugs = None,
    control: Annotated[
        str | None, typer.Option(help="Control plane of simulators that run already; default: own ones, just for this.")
    ] = None,
) -> None:
    """Replay every pact against its provider. Exit code 0: all hold; 1: one does not; 2: it could not be found out."""
    began = time.monotonic()
    verdicts = _verified(_chosen(slugs), control)
    _show(verdicts)
    broken = sum(not verdict.ok for found in verdicts.values() for verdict in found)
    total = sum(map(len, verdicts.values()))
    colour = "red" if broken else "green"
    said = f"{broken} of {total} interactions do not hold" if broken else f"{total} interactions hold"
    out.print(f"[{colour}]{said}[/{colour}], {time.monotonic() - began:.1f} s")
    if broken:
        raise typer.Exit(BROKEN)


Url = Annotated[str, typer.Option("--broker", envvar="PACT_BROKER_BASE_URL", help="The broker's base URL.")]
Version = Annotated[str | None, typer.Option(help="Version of what is published; default: the commit checked out.")]


@app.command()
def publish(
    broker: Url,
    slugs: Slugs = None,
    version: Version = None,
    branch: Annotated[str | None, typer.Option(help="The branch that this version is of.")] = None,
    results: Annotated[bool, typer.Option(help="Verify, and publish what came of it.")] = True,
) -> None:
    """Publish the pacts and, as the providers are simulated here, the results of their verification."""
    commit = version or _commit()
    chosen = _chosen(slugs)
    verdicts = _verified(chosen) if results else {}
    broken = False
    try:
        to = Broker(broker)
        for slug in chosen:
            for file in sorted((FOLDER / slug / "pacts").glob("*.json")):
                where, said = to.publish(file, commit, branch), "published"
                if results:
                    success = all(verdict.ok for verdict in verdicts[file])
                    to.result(where, commit, success=success)
                    broken, said = broken or not success, f"{said}, {'verified' if success else 'broken'}"
                out.print(f"{file.name} {escape(commit)}: {said}")
    except BrokerFailed as failed:
        raise _cannot(str(failed)) from None
    if broken:
        raise typer.Exit(BROKEN)


@app.command("can-i-deploy")
def can_i_deploy(
    broker: Url,
    to: Annotated[str, typer.Option(help="The environment to deploy to.")],
    version: Version = None,
) -> None:
    """Ask the broker whether this version fits what is deployed. Exit code 0: yes; 1: no; 2: it does not know."""
    commit = version or _commit()
    try:
        asked = Broker(broker)
        decisions = [asked.can_i_deploy(participant, commit, to) for participant in DEPLOYED]
    except BrokerFailed as failed:
        raise _cannot(str(failed)) from None
    for decision in decisions:
        said = {True: "[green]yes[/green]", False: "[red]no[/red]", None: "[yellow]unknown[/yellow]"}
        out.print(f"{decision.participant} {escape(commit)}: {said[decision.deployable]} {escape(decision.reason)}")
    if any(decision.deployable is False for decision in decisions):
        raise typer.Exit(BROKEN)
    if any(decision.deployable is None for decision in decisions):
        raise typer.Exit(CANNOT)


@app.command("coverage")
def coverage_page() -> None:
    """Write docs/coverage.md: what is proved about each provider, and what is not."""
    out.print(str(coverage.write().relative_to(FOLDER.parent)))


def _commit() -> str:
    """The commit checked out. Ends the command outside a checkout."""
    done = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"],  # noqa: S607 - whichever git there is
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise _cannot("this is no checkout: say --version")
    return done.stdout.strip()


def _show(verdicts: dict[Path, list[Verdict]]) -> None:
    table = Table("contract", "interaction", "result")
    for file, found in verdicts.items():
        for verdict in found:
            result = "[green]holds[/green]" if verdict.ok else "[red]broken[/red]"
            table.add_row(file.stem, escape(verdict.interaction), result)
    out.print(table)
    for file, found in verdicts.items():
        for verdict in found:
            if not verdict.ok:
                out.print(f"[red]{file.stem}: {escape(verdict.interaction)}[/red]")
                for difference in verdict.differences:
                    out.print(f"    {escape(difference)}")


if __name__ == "__main__":
    app()
