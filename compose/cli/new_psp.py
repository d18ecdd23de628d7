"""`payera new-psp NAME`: a new provider from the reference one.

Everything in the tree that bears the reference's name in its path is copied with the name changed: its simulator, its
connector, their tests and recorded cases. Nothing else needs a line, because registries discover. The copy speaks the
reference's dialect and its tests pass; from there on one replaces the dialect piece by piece.
"""

import keyword
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

REFERENCE = "dummypay"
PLACES = ("simulators", "gateway/connectors", "contracts", "tests")
"""Where a provider's own files are; scenarios name providers in their text, not in their paths."""
LONGEST = 16
"""Characters of a slug: with a longer one, lines of the copy would pass the line length."""

app = typer.Typer(add_completion=False)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class CannotMake(Exception):
    """The provider cannot be made; the message says why."""


def check_name(name: str) -> None:
    """A slug is a folder, a Python package and a part of class names at once. Raises CannotMake."""
    if not re.fullmatch(rf"[a-z][a-z0-9]{{1,{LONGEST - 1}}}", name) or keyword.iskeyword(name):
        raise CannotMake(f"{name!r}: a name is 2 to {LONGEST} lower-case letters and digits, beginning with a letter")
    if name == "kit" or REFERENCE in name:
        raise CannotMake(f"{name!r} is taken")


def renamed(text: str, name: str) -> str:
    """`text` with the reference's name changed, in each of its spellings."""
    for spelling in (str.lower, str.capitalize, str.upper):
        text = text.replace(spelling(REFERENCE), spelling(name))
    return text


def files(root: Path) -> Iterator[Path]:
    """The reference's files, relative to the root: those with its name as a folder or as a file's stem."""
    for place in PLACES:
        for path in sorted((root / place).rglob("*")):
            parts = path.relative_to(root).parts
            named = REFERENCE in parts or path.name.partition(".")[0] in (REFERENCE, f"test_{REFERENCE}")
            if path.is_file() and named and "__pycache__" not in parts:
                yield path.relative_to(root)


def make(name: str, root: Path) -> list[Path]:
    """Copy; returns the new files, relative to the root. Raises CannotMake, and then nothing was written."""
    check_name(name)
    copies = {path: Path(renamed(str(path), name)) for path in files(root)}
    if not copies:
        raise CannotMake(f"{root} holds no {REFERENCE} to copy")
    there = [copy for copy in copies.values() if (root / copy).exists()]
    folder = Path("simulators") / name
    if there or (root / folder).exists():
        raise CannotMake(f"{folder if (root / folder).exists() else there[0]} exists")
    for original, copy in copies.items():
        (root / copy).parent.mkdir(parents=True, exist_ok=True)
        (root / copy).write_text(renamed((root / original).read_text("utf-8"), name), "utf-8")
    _tidy([root / copy for copy in copies.values() if copy.suffix == ".py"], root)
    return list(copies.values())


def _tidy(paths: list[Path], root: Path) -> None:
    """Imports sort and lines break differently under another name."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is None:
        err.print("ruff is not installed: run `ruff check --fix` and `ruff format` over the new files yourself")
        return
    names = [str(path) for path in paths]
    for command in (["check", "--select", "I", "--fix"], ["format"]):
        subprocess.run([ruff, *command, "--quiet", "--no-cache", *names], cwd=root, check=True)


@app.command()
def new_psp(
    name: Annotated[str, typer.Argument(help="The new provider's slug, e.g. acme.")],
    root: Annotated[Path | None, typer.Option(help="The checkout; default: this one.")] = None,
) -> None:
    """Make a new provider from the reference one; its tests pass at once."""
    try:
        made = make(name, root or Path(__file__).parents[2])
    except CannotMake as error:
        err.print(f"[red]payera:[/red] {escape(str(error))}")
        raise typer.Exit(1) from None
    for path in made:
        out.print(f"  {path}")
    out.print(
        f"{len(made)} files. Next: the dialect in simulators/{name}/README.md, then its code, then the connector's."
    )


if __name__ == "__main__":
    app()
