"""`payera scan`: look for card numbers wherever a running environment may have put them."""

import json
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from scenarios import pan_places, pan_plants
from scenarios.kinds import Kind
from scenarios.kinds import env_file as default_env_file
from scenarios.pan_scan import Hit, Scanner, luhn_valid, mask, numbers_in

app = typer.Typer(add_completion=False)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
_SHOWN = 20


@app.command()
def scan(
    env_path: Annotated[
        Path | None, typer.Option("--env-file", help="env.json of the environment; that of --env if not told.")
    ] = None,
    env_kind: Annotated[
        Kind, typer.Option("--env", help="embedded: `make up`; compose: on containers, `make env-up`.")
    ] = Kind.embedded,
    pans: Annotated[
        Path | None, typer.Option("--pans", help="File that holds the numbers (default: those scenarios use).")
    ] = None,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Also plant a number in each place: it must be seen.")
    ] = False,
) -> None:
    """Scan PostgreSQL, Temporal, Kafka, logs and the simulators' state for card numbers. Exit code 1: one was found."""
    env_file = default_env_file(env_path, env_kind)
    try:
        env: dict[str, Any] = json.loads(env_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        err.print(f"payera: {env_file}: {error}; `payera up` (or `payera env up`) writes it")
        raise typer.Exit(2) from None
    text = pans.read_text(encoding="utf-8") if pans else pan_places.known_numbers(Path(__file__).parent)
    numbers = numbers_in(text)
    if not numbers:
        err.print("payera: no card numbers to look for")
        raise typer.Exit(2)
    missed: list[str] = []
    if self_test:
        number = fresh_number({mask(each) for each in numbers})
        with pan_plants.planted(env, number) as places:
            hits, counts = pan_places.scan_everything(Scanner([*numbers, number]), env)
        planted = [hit for hit in hits if hit.number == mask(number)]
        hits = [hit for hit in hits if hit.number != mask(number)]
        missed = _compare(places, planted)
    else:
        hits, counts = pan_places.scan_everything(Scanner(numbers), env)
    _show(hits, counts)
    out.print(f"{len(numbers)} card numbers looked for, {len(hits)} hits")
    if hits or missed:
        raise typer.Exit(1)


def _show(hits: list[Hit], counts: list[pan_places.Count]) -> None:
    table = Table("place", "read", "bytes")
    for count in counts:
        table.add_row(count.place, f"{count.things} {count.what}", f"{count.size:,}")
    out.print(table)
    for hit in hits[:_SHOWN]:
        out.print(f"[red]found[/red] {hit.number} ({hit.form}) in {hit.place}, byte {hit.offset}")
    if len(hits) > _SHOWN:
        out.print(f"and {len(hits) - _SHOWN} more")


def _compare(places: list[str], planted: list[Hit]) -> list[str]:
    """Say of every place whether the number planted there was seen; the places where it was not."""
    missed = []
    for place in places:
        found = [hit for hit in planted if hit.place.startswith(place)]
        word = f"[green]found[/green] as {found[0].form}" if found else "[red]NOT FOUND[/red]"
        out.print(f"planted in {place:40} {word}")
        if not found:
            missed.append(place)
    out.print(f"planted a number in {len(places)} places, missed it in {len(missed)}")
    return missed


def fresh_number(masks: Collection[str] = ()) -> str:
    """A random number with a right check digit that shows under none of `masks`."""
    while True:
        stem = "400000" + "".join(secrets.choice("0123456789") for _ in range(9))
        number = next(stem + digit for digit in "0123456789" if luhn_valid(stem + digit))
        if mask(number) not in masks:
            return number
