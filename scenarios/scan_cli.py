"""`payera scan`: look for card numbers wherever a running environment may have put them."""

import json
import os
import secrets
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from scenarios import pan_places, pan_plants
from scenarios.pan_scan import Hit, Scanner, luhn_valid, mask, numbers_in

app = typer.Typer(add_completion=False)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
_SHOWN = 20


@app.command()
def scan(
    env_path: Annotated[
        Path | None, typer.Option("--env-file", help="env.json of the environment; .payera/env.json if not told.")
    ] = None,
    pans: Annotated[
        Path | None, typer.Option("--pans", help="File that holds the numbers (default: those scenarios use).")
    ] = None,
    self_test: Annotated[bool, typer.Option("--self-test", help="Plant a number in each place and find it.")] = False,
) -> None:
    """Scan PostgreSQL, Temporal, Kafka, logs and the simulators' state for card numbers. Exit code 1: one was found."""
    env_file = env_path or Path(os.environ.get("PAYERA_STATE", ".payera")) / "env.json"
    try:
        env: dict[str, Any] = json.loads(env_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        err.print(f"payera: {env_file}: {error}; `payera up` writes it")
        raise typer.Exit(2) from None
    if self_test:
        _self_test(env)
        return
    text = pans.read_text(encoding="utf-8") if pans else pan_places.known_numbers(Path(__file__).parent)
    numbers = numbers_in(text)
    if not numbers:
        err.print("payera: no card numbers to look for")
        raise typer.Exit(2)
    hits, counts = pan_places.scan_everything(Scanner(numbers), env)
    table = Table("place", "read", "bytes")
    for count in counts:
        table.add_row(count.place, f"{count.things} {count.what}", f"{count.size:,}")
    out.print(table)
    _show(hits)
    out.print(f"{len(numbers)} card numbers looked for, {len(hits)} hits")
    if hits:
        raise typer.Exit(1)


def _show(hits: list[Hit]) -> None:
    for hit in hits[:_SHOWN]:
        out.print(f"[red]found[/red] {hit.number} ({hit.form}) in {hit.place}, byte {hit.offset}")
    if len(hits) > _SHOWN:
        out.print(f"and {len(hits) - _SHOWN} more")


def _self_test(env: dict[str, Any]) -> None:
    """Plant a number nobody uses in every place, one form each, and demand a hit in every one."""
    number = fresh_number()
    with pan_plants.planted(env, number) as planted:
        hits, _ = pan_places.scan_everything(Scanner([number]), env)
    missed = [place for place in planted if not any(hit.place.startswith(place) for hit in hits)]
    for place in planted:
        found = [hit for hit in hits if hit.place.startswith(place)]
        word = f"[green]found[/green] as {found[0].form}" if found else "[red]NOT FOUND[/red]"
        out.print(f"{place:24} {word}")
    out.print(f"planted {mask(number)} in {len(planted)} places, missed {len(missed)}")
    if missed:
        raise typer.Exit(1)


def fresh_number() -> str:
    """A random number with a right check digit that no card data file holds."""
    stem = "400000" + "".join(secrets.choice("0123456789") for _ in range(9))
    return next(stem + str(digit) for digit in range(10) if luhn_valid(stem + str(digit)))
