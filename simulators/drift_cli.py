"""`payera sim conform` and `record`: simulators beside what PSPs publish, and beside what their sandboxes answer.

The libraries that this needs are loaded when a command runs: they come with the development extras.
"""

import asyncio
import fnmatch
import importlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from simulators.shell import AsJson, call, control, err, out, print_table, refuse, show


def conform(
    slug: Annotated[str | None, typer.Argument(help="Which simulator; not needed with --recorded.")] = None,
    *,
    spec: Annotated[Path, typer.Option(help="The PSP's OpenAPI file, JSON or YAML.")],
    recorded: Annotated[
        Path | None, typer.Option(help="Judge this exchanges.jsonl of `payera sim record` in place of a simulator.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Leave out differences like this: a glob over METHOD /path#/pointer.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold answers against a PSP's published OpenAPI. Exit code 0: none differs; 1: drift; 2: it was not found out.

    A simulator performs every example of its own document on fresh accounts, so the environment's data stay untouched.
    """
    published = importlib.import_module("simulators.conform.published")
    tour = importlib.import_module("simulators.conform.tour")
    try:
        wanted = published.Spec.read(spec)
        answers = tour.recorded(recorded) if recorded is not None else _toured(slug, tour)
    except (published.NotASpec, OSError, ValueError) as wrong:
        err.print(f"[red]payera sim:[/red] {escape(str(wrong))}")
        raise typer.Exit(2) from None
    report = tour.compare(wanted, answers)
    shown = [
        {"operation": d.operation, "pointer": d.pointer, "kind": d.kind, "seen": seen, "message": d.message}
        for d, seen in sorted(report.drifts.items())
        if not any(fnmatch.fnmatchcase(str(d), pattern) for pattern in ignore or ())
    ]
    if as_json:
        show({"answers": report.answers, "pages": report.pages, "drift": shown})
    else:
        print_table(shown, ("operation", "pointer", "kind", "seen", "message"), "no drift")
        out.print(f"{report.answers} answers judged, {len(shown)} differences")
    if not report.answers:
        err.print("[red]payera sim:[/red] there was no answer to judge")
        raise typer.Exit(2)
    if shown:
        raise typer.Exit(1)


def _toured(slug: str | None, tour: Any) -> Any:
    """The answers of a simulator's own examples, each performed on an account that is closed afterwards."""
    if slug is None:
        raise ValueError("which simulator? or --recorded FILE")
    document = call("GET", f"/v1/simulators/{slug}/openapi.json")
    answers = []
    for path, methods in document["paths"].items():
        for method in methods:
            made = call("POST", f"/v1/{slug}/accounts", {})
            try:
                walk = tour.Tour(document, made, control())
                if failed := walk.perform_at(method.upper(), path):
                    err.print(f"[yellow]not performed:[/yellow] {escape(failed)}")
                answers += walk.answers
            finally:
                call("DELETE", f"/v1/{slug}/accounts/{made['account']}")
    return answers


def record(
    upstream: Annotated[str, typer.Option(help="The PSP's sandbox, e.g. https://api.sandbox.checkout.com.")],
    out_folder: Annotated[Path, typer.Option("--out", help="Where exchanges.jsonl and cases.yaml go.")],
    slug: Annotated[str | None, typer.Option(help="The simulator whose routes say what each request is for.")] = None,
    port: Annotated[int, typer.Option(help="Listen here; 0: any free port.")] = 0,
) -> None:
    """Pass a real sandbox through and keep its traffic, masked: point a connector's base URL here. Ctrl-C ends it."""
    recorder = importlib.import_module("simulators.conform.recorder")
    operation_of = importlib.import_module("simulators.conform.routes").operations(slug)

    def ready(url: str) -> None:
        typer.echo(json.dumps({"url": url, "out": str(out_folder)}))

    try:
        asyncio.run(recorder.record(upstream, out_folder, operation_of, port, ready))
    except KeyboardInterrupt:
        out.print("ended")
    except (OSError, LookupError) as failed:
        raise refuse(str(failed)) from None
