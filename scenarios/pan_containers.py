"""The places of an environment on containers: what they log, and the volumes they write, read through the engine.

A volume comes as the tar that `docker cp` makes of it, so nothing is needed inside a container and no root outside.
"""

import contextlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from scenarios.pan_scan import Hit, Scanner

VOLUMES = {
    "postgres": ("/var/lib/postgresql", "PostgreSQL files"),
    "temporal": ("/home/temporal", "Temporal files"),
    "kafka": ("/var/lib/kafka/data", "Kafka files"),
    "simulators": ("/var/lib/payera", "simulators' state"),
}
"""By service: the folder of its volume, and the place as a hit names it."""
SQLITE = "temporal.sqlite"
_CHUNK = 1 << 20
_TRIES = 3
"""A file that grows while its tar is made spoils the tar; the next one is made of what stands by then."""


class EngineRefused(Exception):
    """The engine would not tell what is in a container."""


def scan_logs(scanner: Scanner, env: dict[str, Any]) -> Iterator[tuple[list[Hit], int]]:
    """Everything that each container has written, by container: hits, and bytes read."""
    for name in sorted({name for names in env["containers"].values() for name in names}):
        said = _engine("logs", name)
        yield list(scanner.scan_stream(f"process logs: {name}", [said])), len(said)


def scan_volume(scanner: Scanner, env: dict[str, Any], service: str, keep: Path) -> tuple[list[Hit], int, int]:
    """Every file of a service's volume: hits, files and bytes. Temporal's database stays in `keep`, for its rows."""
    (container,) = env["containers"][service]
    folder, place = VOLUMES[service]
    for attempt in range(1, _TRIES + 1):
        try:
            return _scan_tar(scanner, f"{container}:{folder}", place, keep)
        except (tarfile.TarError, EngineRefused):
            if attempt == _TRIES:
                raise
    raise AssertionError("returned or raised above")


def _scan_tar(scanner: Scanner, source: str, place: str, keep: Path) -> tuple[list[Hit], int, int]:
    hits: list[Hit] = []
    files = size = 0
    # S603, S607: the engine's own command; the container's name is from our env.json
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(  # noqa: S603
            ["docker", "cp", source, "-"],  # noqa: S607
            stdout=subprocess.PIPE,
            stderr=said,
        ) as copy,
    ):
        assert copy.stdout is not None
        with tarfile.open(fileobj=copy.stdout, mode="r|") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                if content is None:
                    continue
                files += 1
                size += member.size
                base = Path(member.name).name
                if base.startswith(SQLITE):
                    with (keep / base).open("wb") as target:
                        shutil.copyfileobj(content, target)
                    hits += scanner.scan_file(keep / base, f"{place}: {member.name}")
                else:
                    hits += scanner.scan_stream(f"{place}: {member.name}", iter(lambda: content.read(_CHUNK), b""))  # noqa: B023 - used up before the next turn
        copy.stdout.read()
        copy.wait()
        said.seek(0)
        if copy.returncode != 0:
            raise EngineRefused(f"docker cp {source}: {said.read().decode(errors='replace').strip()}")
    return hits, files, size


@contextlib.contextmanager
def planted(env: dict[str, Any], name: str, log_line: bytes, state: bytes) -> Iterator[Iterable[str]]:
    """Something in a container's log and in the simulators' volume; the places where it must be seen."""
    (api,), (simulators,) = env["containers"]["api-1"], env["containers"]["simulators"]
    file = f"{VOLUMES['simulators'][0]}/{name}.jsonl"
    _engine("exec", "--interactive", api, "sh", "-c", "cat > /proc/1/fd/1", stdin=log_line)
    _engine("exec", "--interactive", simulators, "sh", "-c", f"cat > {file}", stdin=state)
    try:
        yield (f"process logs: {api}", "simulators' state", "Kafka files")
    finally:
        _engine("exec", simulators, "rm", file)


def _engine(*words: str, stdin: bytes | None = None) -> bytes:
    done = subprocess.run(  # noqa: S603 - the engine's own command
        ["docker", *words],  # noqa: S607
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        raise EngineRefused(f"docker {' '.join(words)}: {done.stdout.decode(errors='replace').strip()[-500:]}")
    return done.stdout
