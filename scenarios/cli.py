"""`payera scenarios …`: list, show, run, and the timeline of one payment."""

import asyncio
import json
import random
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scenarios.kinds import Kind, env_file
from scenarios.report import console as console_report
from scenarios.report import junit as junit_report
from scenarios.report import record
from scenarios.runner import language, surroundings
from scenarios.runner.run import run as run_all
from scenarios.runner.source import BadScenario

app = typer.Typer(help="Scenario packs: what the gateway must do, and the proof that it did.", no_args_is_help=True)

Packs = Annotated[
    list[str] | None, typer.Argument(help="Packs (smoke), scenarios (smoke/decline) or files; all if none.")
]
EnvFile = Annotated[
    Path | None, typer.Option("--env-file", help="env.json of the environment; that of --env if not told.")
]


Env = Annotated[Kind, typer.Option("--env", help="embedded: `make up`; compose: on containers, `make env-up`.")]


def _load(packs: list[str] | None) -> list[language.Scenario]:
    try:
        return language.load_packs(packs or [])
    except BadScenario as bad:
        for problem in bad.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(2) from bad


@app.command("list")
def list_scenarios(packs: Packs = None) -> None:
    """What there is to run, with the requirements that each scenario proves."""
    for line in console_report.listing(_load(packs)):
        typer.echo(line)


@app.command()
def show(names: Packs = None) -> None:
    """The text of scenarios."""
    for path in dict.fromkeys(scenario.path for scenario in _load(names)):
        typer.echo(f"# {path}\n{path.read_text(encoding='utf-8')}")


@app.command()
def run(
    packs: Packs = None,
    env: Env = Kind.embedded,
    file: EnvFile = None,
    seed: Annotated[int | None, typer.Option(help="Of all made-up data; chosen and printed if not told.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Scenarios at once.")] = 8,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report here.")] = None,
) -> None:
    """Run packs against a running environment. The exit code is the verdict: 0 passed, 1 failed, 2 could not run."""
    scenarios = _load(packs)
    path = env_file(file, env)
    console = Console(soft_wrap=True)
    chosen = random.randrange(1_000_000) if seed is None else seed  # noqa: S311 - test data, nothing secret
    try:
        around = surroundings.load(path)
        with console_report.Reporter(console, len(scenarios)) as reporter:
            verdict = asyncio.run(run_all(around, scenarios, seed=chosen, jobs=jobs, listener=reporter.listener))
    except (surroundings.NoEnvironment, OSError) as error:
        typer.echo(f"cannot run: {error}", err=True)
        raise typer.Exit(2) from error
    reporter.verdict(verdict)
    record.write(verdict, path.parent)
    if junit is not None:
        junit_report.write(verdict, junit)
    raise typer.Exit(0 if verdict.passed else 1)


@app.command()
def timeline(
    payment: Annotated[str, typer.Argument(help="pay_…, or a scenario of the last run, like cascading/lost_answer.")],
    env: Env = Kind.embedded,
    file: EnvFile = None,
) -> None:
    """One payment's story: API calls, attempts, what the PSPs saw and moved, ledger, events, webhooks."""
    path = env_file(file, env)
    try:
        around = surroundings.load(path)
        stories = asyncio.run(record.stories(around, path.parent, payment))
    except (surroundings.NoEnvironment, record.NotRecorded, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    for title, lines in stories:
        typer.echo(title)
        for line in lines:
            typer.echo(f"  {line}")


@app.command()
def schema() -> None:
    """The JSON Schema of the language, for editors."""
    typer.echo(json.dumps(json.loads(language.SCHEMA_PATH.read_text(encoding="utf-8")), indent=2))
