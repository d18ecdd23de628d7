"""The gateway with a bug in it: a copy of the tree, one patch, its processes beside the parts that all tests share.

`bugs/NAME.patch` begins with a few lines of header (`invariant`, `scenarios`, and what the bug is), then a unified
diff against gateway/, workflows/ or sql/. A patch that does not apply is an error: the bug must be planted anew.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from compose.embedded.http import answers
from compose.embedded.ports import HOST, Ports
from compose.embedded.process import Child, Spec, tail_of
from compose.embedded.services import TEST_SETTINGS
from gateway.adapters.keys import create_keys
from scenarios.runner.language import Scenario, Step, load_packs
from scenarios.runner.supervisor import SupervisorError
from scenarios.runner.surroundings import Surroundings
from tests.parts import Database, Parts, Simulators

HERE = Path(__file__).parent
BUGS = HERE / "bugs"
ROOT = HERE.parents[1]
COPIED = ("gateway", "workflows", "sql")
PROCESSES = ("api", "worker", "relay", "dispatcher")
MODULES = {"api": "gateway.main"}
WAIT_AT_MOST = "8s"
"""How long a step waits for what a bug may well prevent for ever."""
REST_AT_MOST_S = 8.0

_HEADER = re.compile(r"^(?P<key>[a-z]+): (?P<value>.+(?:\n +.+)*)", re.MULTILINE)


class DoesNotApply(Exception):
    """The code at the bug's place has changed."""


@dataclass(frozen=True, slots=True)
class Bug:
    """One planted bug. `scenarios`: of these at least one must fail, naming `invariant`."""

    name: str
    path: Path
    invariant: str
    scenarios: tuple[str, ...]
    what: str

    @property
    def touches_sql(self) -> bool:
        return any(line.startswith("+++ b/sql/") for line in self.path.read_text("utf-8").splitlines())


def bugs() -> list[Bug]:
    """All of them, in order of their files' names."""
    return [bug_of(path) for path in sorted(BUGS.glob("*.patch"))]


def bug_of(path: Path) -> Bug:
    """Read one. Raises `KeyError` for a header that lacks a line."""
    header, _, _ = path.read_text("utf-8").partition("\n--- ")
    told = {found["key"]: " ".join(found["value"].split()) for found in _HEADER.finditer(header)}
    return Bug(path.stem, path, told["invariant"], tuple(told["scenarios"].split(", ")), told["bug"])


def scenarios_of(*several: Bug) -> list[Scenario]:
    """The scenarios that are named, each once."""
    names = list(dict.fromkeys(name for bug in several for name in bug.scenarios))
    found = load_packs(names)
    assert [scenario.id for scenario in found] == names, "each name must be one scenario"
    return found


def impatient(scenario: Scenario) -> Scenario:
    """The same with every wait cut short: what a bug prevents is not worth waiting for."""
    steps = tuple(
        Step(step.verb, {**step.told, "within": WAIT_AT_MOST}, step.line) if step.verb == "wait" else step
        for step in scenario.steps
    )
    return replace(scenario, steps=steps)


def copy_tree(folder: Path, bug: Bug | None) -> Path:
    """The code in `folder`, patched. Raises `DoesNotApply` with what git said."""
    for name in COPIED:
        # With its byte code: a file keeps its time of change, so only the patched ones are compiled again.
        shutil.copytree(ROOT / name, folder / name)
    if bug is not None:
        plant(folder, bug)
    return folder


def plant(folder: Path, bug: Bug) -> None:
    """Apply the patch. Raises `DoesNotApply`."""
    command = ["git", "apply", "--whitespace=nowarn", str(bug.path)]
    # Not the repository that the folder may lie in: paths are those of the copy.
    env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent), "GIT_DIR": os.devnull}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DoesNotApply(f"{bug.path.name} does not apply any more, plant the bug anew:\n{done.stderr.strip()}")


class NobodyKills:
    """Scenarios that kill processes are not for here."""

    async def kill(self, process: str, signal: int = 9) -> None:
        raise SupervisorError(f"nobody here kills {process}")

    async def restart(self, process: str) -> None:
        raise SupervisorError(f"nobody here restarts {process}")


@contextlib.contextmanager
def house(
    tree: Path, state: Path, parts: Parts, database: Database, sims: Simulators, *, migrate: bool
) -> Iterator[Surroundings]:
    """The gateway's processes from `tree` for the length of the block: a database, a topic and a queue of their own."""
    if migrate:
        _run(tree, "sql.migrate", database.superuser)
    create_keys(state / "keys")
    ports = Ports()
    taken = {name: ports.take() for name in PROCESSES}
    word = uuid.uuid4().hex[:12]
    settings = {
        **TEST_SETTINGS,
        "PAYERA_DATABASE": database.app,
        "PAYERA_SYSTEM_DATABASE": database.system,
        "PAYERA_TEMPORAL": parts.temporal,
        "PAYERA_TEMPORAL_NAMESPACE": "payera",
        "PAYERA_TASK_QUEUE": f"planted-{word}",
        "PAYERA_KAFKA": parts.kafka,
        "PAYERA_TOPIC": f"planted.{word}",
        "PAYERA_KEYS": str(state / "keys"),
        "PAYERA_ADMIN_KEY": "ak_planted",
        "PAYERA_HOST": HOST,
    }
    children: list[Child] = []
    try:
        for name in PROCESSES:
            env = settings | {"PAYERA_PORT": str(taken[name])}
            children.append(Child(_spec(name, tree, taken[name], env), state / f"{name}.log"))
        for child in children:
            child.wait_healthy()
        url = f"http://{HOST}:{taken['api']}"
        yield Surroundings(
            gateway=url,
            control=sims.control,
            admin_key="ak_planted",
            postgres=database.superuser,
            kafka=parts.kafka,
            topic=settings["PAYERA_TOPIC"],
            supervisor=NobodyKills(),
            gateway_inside=url,
        )
    finally:
        for child in children:
            child.signal(child.spec.orphan_signal)  # nothing here is worth a slow goodbye
        for child in children:
            child.stop()
        ports.release()


def last_words(state: Path) -> str:
    """The ends of the processes' logs."""
    return "\n".join(f"{name}:\n{tail_of(state / f'{name}.log')}" for name in PROCESSES)


def _spec(name: str, tree: Path, port: int, env: dict[str, str]) -> Spec:
    return Spec(
        name=name,
        argv=(sys.executable, "-m", MODULES.get(name, f"gateway.{name}")),
        healthy=lambda: answers(f"http://{HOST}:{port}/healthz"),
        env=env,
        cwd=tree,  # first on the path of what it starts
        port=port,
        start_within_s=60.0,
    )


def _run(tree: Path, module: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=tree, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise DoesNotApply(f"{module} of the patched tree failed:\n{done.stdout}{done.stderr}")
