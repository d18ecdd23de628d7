"""`payera env rehearse`: the house on containers once, from nothing to nothing. Its exit code is the verdict."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from compose.cli.demo import interruptible
from compose.containers import environment, state
from compose.containers.engine import EngineFailed
from compose.containers.project import Project

out = Console(highlight=False, soft_wrap=True)
PACKS = ("smoke", "cascading")
_ROOT = Path(__file__).parents[2]
_JOBS = "4"
"""Scenarios at once: thirteen containers share the machine with them, and PSPs' timeouts are two seconds."""


def rehearse(packs: tuple[str, ...], reports: Path) -> list[str]:
    """Up, the packs, a look for card numbers, the tests of containers, down; the names of the steps that failed."""
    folder = state.default_folder()
    if Project(folder).everything():
        raise EngineFailed(f"{Project(folder).name} is up already, and would not survive this: `make env-down` first")
    reports.mkdir(parents=True, exist_ok=True)
    failed: list[str] = []
    with interruptible():
        try:
            environment.up(folder, progress=lambda line: out.print(f"[dim]{escape(line)}[/dim]"))
            junit = str(reports / "scenarios-compose.xml")
            steps: dict[str, Callable[[], int]] = {
                "scenarios": lambda: _payera(
                    "scenarios", "run", *packs, "--env", "compose", "--jobs", _JOBS, "--junit", junit
                ),
                "card numbers": lambda: _payera("scan", "--self-test", "--env", "compose"),
                "tests": lambda: _python("pytest", "-m", "containers", "-n", "0", "tests/containers"),
            }
            failed = [name for name, step in steps.items() if step() != 0]
        except EngineFailed as error:
            out.print(f"[red]{escape(str(error))}[/red]")
            failed = ["environment"]
        finally:
            environment.down(folder)
    return failed


def _payera(*words: str) -> int:
    return _python("compose.cli.main", *words)


def _python(module: str, *words: str) -> int:
    out.print(f"\n[bold]{escape(' '.join((module, *words)))}[/bold]")
    return subprocess.run([sys.executable, "-m", module, *words], cwd=_ROOT, check=False).returncode


def run(packs: list[str] | None, reports: Path) -> None:
    """The command: prints the verdict and ends with it."""
    began = time.monotonic()
    failed = rehearse(tuple(packs or PACKS), reports)
    word = f"[red]FAILED: {', '.join(failed)}[/red]" if failed else "[green]PASSED[/green]"
    out.print(f"containers {word} in {time.monotonic() - began:.0f} s; no container, network or volume is left")
    raise typer.Exit(1 if failed else 0)
