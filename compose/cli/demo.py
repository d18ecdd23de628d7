"""`payera demo`: the whole house once. Its exit code is the verdict, and nothing is left running afterwards."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from compose.embedded import environment
from compose.embedded.environment import EnvironmentFailed
from compose.embedded.layout import Layout, read_json
from compose.embedded.shared import temporary_root

app = typer.Typer(add_completion=False)
out = Console(highlight=False, soft_wrap=True)
PACKS = ("smoke", "cascading", "aftersale", "routing")
STORY = ("cascading", "lost")
"""The timeline shown: of a passed scenario of this pack, rather one with this word in its name."""


@app.command()
def demo(
    packs: Annotated[
        list[str] | None, typer.Argument(help="Packs to run (default: smoke cascading aftersale routing).")
    ] = None,
    reports: Annotated[Path, typer.Option(help="Where the JUnit report and a failed run's logs go.")] = Path("reports"),
) -> None:
    """Start everything, run the packs, tell one payment's story, look for card numbers, stop everything."""
    state = Path(tempfile.mkdtemp(prefix="payera-demo-", dir=temporary_root()))
    began = time.monotonic()
    failed: list[str] = []
    with interruptible():
        try:
            environment.up(state, owner_pid=os.getpid(), progress=lambda line: out.print(f"[dim]{escape(line)}[/dim]"))
            out.print(f"environment up in {time.monotonic() - began:.1f} s")
            failed = _steps(state, tuple(packs or PACKS), reports)
        except EnvironmentFailed as error:
            out.print(f"[red]{escape(str(error))}[/red]")
            failed = ["environment"]
        finally:
            if failed or sys.exc_info()[0] is not None:
                _keep_logs(state, reports)
            environment.down(state, erase=True)
    word = f"[red]FAILED: {', '.join(failed)}[/red]" if failed else "[green]PASSED[/green]"
    out.print(f"demo {word} in {time.monotonic() - began:.0f} s; nothing is left running")
    raise typer.Exit(1 if failed else 0)


def _steps(state: Path, packs: tuple[str, ...], reports: Path) -> list[str]:
    """Run the steps one after another, all of them; the names of those that failed."""
    env_file = str(state / "env.json")
    reports.mkdir(parents=True, exist_ok=True)
    run = ("scenarios", "run", *packs, "--env-file", env_file, "--junit", str(reports / "scenarios.xml"))
    failed = ["scenarios"] if _payera(*run) != 0 else []
    story = _story(state)
    if story is None or _payera("scenarios", "timeline", story, "--env-file", env_file) != 0:
        failed.append("timeline")
    if _payera("scan", "--self-test", "--env-file", env_file) != 0:
        failed.append("card numbers")
    return failed


def _story(state: Path) -> str | None:
    """The scenario whose payment is shown."""
    recorded = (read_json(state / "scenarios.json") or {}).get("scenarios", [])
    names = [row["scenario"] for row in recorded if row["payments"]]
    best = sorted(names, key=lambda name: (STORY[0] not in name, STORY[1] not in name))
    return best[0] if best else None


def _payera(*words: str) -> int:
    out.print(f"\n[bold]payera {escape(' '.join(words))}[/bold]")
    return subprocess.run([sys.executable, "-m", "compose.cli.main", *words], check=False).returncode


def _keep_logs(state: Path, reports: Path) -> None:
    kept = reports / "demo-logs"
    shutil.rmtree(kept, ignore_errors=True)
    with contextlib.suppress(OSError):
        shutil.copytree(Layout(state).logs, kept)
        out.print(f"logs of the failed run: {kept}")


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """A polite kill ends the demo as Ctrl-C does: through its clean-up."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
