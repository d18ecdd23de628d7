"""Bring the locked jars into a folder: all of them with the locked content, or none."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from compose.kafka_jars import lock
from compose.kafka_jars.lock import Jar
from compose.kafka_jars.sources import Source, SourceFailed


def fetch(
    folder: Path, jars: tuple[Jar, ...], source: Source, progress: Callable[[str], None] = lambda line: None
) -> bool:
    """Make `folder` hold exactly the locked jars; False if it did already.

    They are brought beside it, checked, and moved there in one step: an interrupted fetch leaves nothing at `folder`.
    A folder with other things than jars in it is refused. Raises `SourceFailed`, `OSError`.
    """
    folder = folder.absolute()
    _refuse_foreign(folder)
    if folder.is_dir() and not lock.complaints(jars, folder) and len(list(folder.iterdir())) == len(jars):
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as work:
        fresh = Path(work) / "jars"
        fresh.mkdir(mode=0o755)
        source(jars, fresh, progress)
        wrong = lock.complaints(jars, fresh)
        if wrong:
            raise SourceFailed("what came is not what is locked:\n" + "\n".join(wrong))
        wanted = {jar.file for jar in jars}
        for extra in [path for path in fresh.iterdir() if path.name not in wanted]:
            extra.unlink()
        if folder.exists():
            os.replace(folder, Path(work) / "old")
        os.replace(fresh, folder)
    return True


def _refuse_foreign(folder: Path) -> None:
    if folder.is_dir():
        foreign = [path.name for path in folder.iterdir() if path.suffix != ".jar"]
        if foreign:
            raise SourceFailed(f"{folder} holds other things than jars ({foreign[0]}): name an empty or a new folder")
    elif folder.exists():
        raise SourceFailed(f"{folder} is no folder")


def relock(resolve: Callable[[Path], list[str]], target: Path = lock.LOCK_FILE) -> tuple[Jar, ...]:
    """Resolve pom.xml anew and write the lock. Raises `SourceFailed`."""
    work = Path(tempfile.mkdtemp(prefix="payera-kafka-"))
    try:
        jars = []
        for coordinates in resolve(work):
            group, artifact, number = coordinates.split(":")
            path = work / f"{artifact}-{number}.jar"
            if not path.is_file():
                raise SourceFailed(f"mvn lists {coordinates} but did not bring {path.name}")
            jars.append(Jar(group, artifact, number, lock.digest(path)))
        found = tuple(sorted(jars))
        lock.version(found)
        lock.write(found, target)
        return found
    finally:
        shutil.rmtree(work)
