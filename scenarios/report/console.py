"""The run on a console: progress where a person looks, plain lines where a log is written, then the verdict."""

from collections import defaultdict
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from scenarios.runner import matrix
from scenarios.runner.language import Scenario
from scenarios.runner.run import Result, Verdict


class Reporter:
    """Follows a run (`listener`) and shows its verdict. A terminal gets a bar; anything else one line per scenario."""

    def __init__(self, console: Console, total: int) -> None:
        self.console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._progress.add_task("scenarios", total=total)
        self._running: list[str] = []

    def __enter__(self) -> "Reporter":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def listener(self, what: str, result: Result) -> None:
        """One scenario began or ended."""
        name = result.scenario.id
        if what == "began":
            self._running.append(name)
        else:
            self._running.remove(name)
            mark = "[green]ok  [/]" if result.passed else "[red]FAIL[/]"
            self.console.print(
                f"{mark} {result.took_s:5.1f}s  {escape(name):<52} {escape(result.scenario.title)}",
                highlight=False,
                soft_wrap=True,
            )
            self._progress.advance(self._task)
        self._progress.update(self._task, description=escape(self._running[0]) if self._running else "scenarios")

    def verdict(self, verdict: Verdict) -> None:
        """Failures in full, what the run proves, and the last line."""
        failed = [result for result in verdict.results if not result.passed]
        for result in failed:
            self._failure(result)
        for violation in verdict.overall:
            self.console.print(f"[red]over the whole run:[/] {escape(str(violation))}", highlight=False, soft_wrap=True)
        self.console.print(proofs(verdict.results))
        for line in verdict.steps:
            self.console.print(escape(line), highlight=False, soft_wrap=True)
        word = "[green]passed[/]" if verdict.passed else "[red]failed[/]"
        self.console.print(
            f"{len(verdict.results) - len(failed)} of {len(verdict.results)} scenarios passed, "
            f"{len(verdict.overall)} violations over the whole run: {word} "
            f"in {verdict.took_s:.1f}s (seed {verdict.seed})",
            highlight=False,
        )

    def _failure(self, result: Result) -> None:
        scenario = result.scenario
        self.console.rule(f"[red]{escape(scenario.id)}[/]", align="left")
        self.console.print(f"{scenario.title}\n{scenario.path}", highlight=False, markup=False, soft_wrap=True)
        for failure in result.failures:
            self.console.print(f"  - {failure.shown(scenario)}", highlight=False, markup=False, soft_wrap=True)
        for line in result.story:
            self.console.print(f"    {line}", highlight=False, markup=False, soft_wrap=True, style="dim")
        self.console.print(f"  again: payera scenarios run '{scenario.id}'", highlight=False, markup=False)


def proofs(results: Sequence[Result]) -> Table:
    """Requirement by requirement: how many scenarios prove it, on which providers, and whether they hold."""
    by_requirement: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        for requirement in result.scenario.proves:
            by_requirement[requirement].append(result)
    table = Table(title="what the run proves", title_justify="left", box=None, pad_edge=False)
    for heading in ("requirement", "scenarios", "first provider of the route", "verdict"):
        table.add_column(heading)
    for requirement in sorted(by_requirement):
        found = by_requirement[requirement]
        bad = [result for result in found if not result.passed]
        providers = ", ".join(sorted({result.scenario.route[0] for result in found}))
        verdict = f"[red]{len(bad)} failed[/]" if bad else "[green]holds[/]"
        table.add_row(requirement, str(len(found)), providers, verdict)
    return table


def listing(scenarios: Sequence[Scenario]) -> list[str]:
    """`payera scenarios list`: one line per scenario, then one per matrix that they fill."""
    width = max((len(scenario.id) for scenario in scenarios), default=0)
    lines = [f"{scenario.id:<{width}}  {scenario.title} ({', '.join(scenario.proves)})" for scenario in scenarios]
    packs = {scenario.pack for scenario in scenarios}
    return lines + [matrix.summary(one, scenarios) for one in matrix.matrices() if one.pack in packs]
