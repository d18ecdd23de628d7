"""`payera new-psp`: the copy is complete, tidy, and passes its own tests; nothing that existed is touched."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compose.cli.new_psp import LONGEST, CannotMake, check_name, files, make, renamed

ROOT = Path(__file__).parents[2]
FRESH = "quokkapay"
"""A name that nobody gives to a provider of this checkout: people try the command with names like acme."""
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The parts of this checkout that a provider touches."""
    for folder in ("simulators", "gateway", "contracts", "compose", "tests/simulators", "tests/connectors"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=IGNORED)
    for name in ("pyproject.toml", "tests/__init__.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def content(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def run(root: Path, *command: str) -> str:
    """A tool in the copied checkout, whose packages go before the installed ones."""
    environment = {**os.environ, "PYTHONPATH": str(root)}
    for name in [name for name in environment if name.startswith("PYTEST")]:
        del environment[name]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_nothing_that_existed_is_touched_and_no_trace_of_the_reference_is_left(checkout: Path) -> None:
    before = content(checkout)
    made = make(FRESH, checkout)
    after = content(checkout)
    assert {path: after[path] for path in before} == before
    assert sorted(set(after) - set(before)) == sorted(map(str, made))
    assert {str(path).rpartition(FRESH)[0] for path in made} >= {
        "simulators/",
        "gateway/connectors/",
        "tests/simulators/",
        "tests/connectors/cases/",
    }
    for path in made:
        assert "dummypay" not in (checkout / path).read_text("utf-8").lower(), path


@pytest.mark.parametrize("name", ["ab", "zeta" + "9" * (LONGEST - 4)])
def test_the_copy_is_as_tidy_as_the_original(checkout: Path, name: str) -> None:
    made = [str(path) for path in make(name, checkout) if path.suffix == ".py"]
    run(checkout, "ruff", "check", "--no-cache", *made)
    run(checkout, "ruff", "format", "--no-cache", "--check", *made)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_copy_passes_its_tests_at_once(checkout: Path) -> None:
    make(FRESH, checkout)
    words = ("-q", "-n", "0", "-p", "no:cacheprovider", "-k", FRESH, f"tests/simulators/{FRESH}", "tests/connectors")
    said = run(checkout, "pytest", *words)
    assert " passed" in said
    found = run(checkout, "simulators.main", "--help")
    assert "--only" in found


def test_names_that_cannot_be_are_refused(checkout: Path) -> None:
    for wrong in ("Acme", "a", "9lives", "a-b", "a_b", "class", "kit", "dummypay", "x" * (LONGEST + 1), "../x"):
        with pytest.raises(CannotMake):
            check_name(wrong)
    before = content(checkout)
    with pytest.raises(CannotMake, match="simulators/stripe exists"):
        make("stripe", checkout)
    assert content(checkout) == before


def test_every_spelling_is_changed() -> None:
    assert renamed("dummypay DummypayConnector DUMMYPAY_KEY Dummypay-Signature", "acme") == (
        "acme AcmeConnector ACME_KEY Acme-Signature"
    )
    for path in files(ROOT):
        for word in ("dummyPay", "DummyPay", "dummy_pay", "dummy-pay"):
            assert word not in (ROOT / path).read_text("utf-8"), path
