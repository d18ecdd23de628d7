"""Where jars come from: the machine's own `mvn`, a folder, or a repository's URL. All of them only fill a folder;
whether the content is right is seen afterwards (`fetch`), so none of them has to be trusted.
"""

import os
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from compose.kafka_jars.lock import POM_FILE, Jar

_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
_TIMEOUT_S = 60.0
_MVN_WITHIN_S = 900.0
_DOWNLOADED = re.compile(r"Downloaded from \S+: \S*/([^/\s]+\.jar) ")

Source = Callable[[tuple[Jar, ...], Path, Callable[[str], None]], None]
"""Puts the jars into a folder under their file names, telling its progress; raises `SourceFailed`."""


class SourceFailed(Exception):
    """The jars could not be had. The message says from where, and what to do."""


def choose(given: str | None) -> Source:
    """The source that `given` names (folder or URL), else `$PAYERA_MAVEN_REPOSITORY`, else `mvn`."""
    place = given or os.environ.get("PAYERA_MAVEN_REPOSITORY")
    if not place:
        return by_maven
    if urlsplit(place).scheme in {"http", "https"}:
        return from_url(place)
    return from_folder(Path(place.removeprefix("file://")).expanduser())


def from_folder(root: Path) -> Source:
    """Jars that lie in `root` side by side, or in Maven's layout below it."""

    def fill(jars: tuple[Jar, ...], folder: Path, progress: Callable[[str], None]) -> None:
        for number, jar in enumerate(jars, 1):
            for candidate in (root / jar.file, root / jar.path):
                if candidate.is_file():
                    shutil.copyfile(candidate, folder / jar.file)
                    break
            else:
                raise SourceFailed(f"{root} has neither {jar.file} nor {jar.path}")
            progress(f"{number}/{len(jars)} {jar.file}")

    return fill


def from_url(base: str) -> Source:
    """Jars of a repository in Maven's layout, over HTTP."""

    def fill(jars: tuple[Jar, ...], folder: Path, progress: Callable[[str], None]) -> None:
        for number, jar in enumerate(jars, 1):
            url = f"{base.rstrip('/')}/{jar.path}"
            try:
                with (
                    urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer,  # noqa: S310 - http or https, see `choose`
                    (folder / jar.file).open("wb") as target,
                ):
                    shutil.copyfileobj(answer, target)
            except (urllib.error.URLError, OSError) as error:
                raise SourceFailed(f"{url}: {error}") from error
            progress(f"{number}/{len(jars)} {jar.file}")

    return fill


def by_maven(jars: tuple[Jar, ...], folder: Path, progress: Callable[[str], None]) -> None:
    """Jars by `mvn`: its settings (mirrors, proxies, credentials) decide where from. Nothing is resolved anew."""
    with tempfile.TemporaryDirectory(prefix="payera-kafka-") as work:
        pom = Path(work) / "pom.xml"
        pom.write_text(_exact_pom(jars), encoding="utf-8")
        done = 0
        for line in copy_dependencies(pom, folder):
            match = _DOWNLOADED.search(line)
            if match and any(jar.file == match[1] for jar in jars):
                done += 1
                progress(f"{done}/{len(jars)} {match[1]}")


def resolve(folder: Path) -> Iterator[str]:
    """Resolve pom.xml anew into `folder`, for a new lock: group, artifact and version of each jar as text."""
    with tempfile.TemporaryDirectory(prefix="payera-kafka-") as work:
        pom = Path(work) / "pom.xml"
        shutil.copyfile(POM_FILE, pom)
        listed = Path(work) / "list.txt"
        for _ in copy_dependencies(pom, folder):
            pass
        for _ in _maven(pom, f"{_PLUGIN}:list", "-DincludeScope=runtime", f"-DoutputFile={listed}"):
            pass
        for line in listed.read_text(encoding="utf-8").splitlines():
            group, *rest = line.strip().split(":")
            if len(rest) >= 4 and rest[1] == "jar":
                yield f"{group}:{rest[0]}:{rest[2]}"


def copy_dependencies(pom: Path, folder: Path) -> Iterator[str]:
    """Run `mvn` on a project; its output's lines. Raises `SourceFailed`."""
    yield from _maven(
        pom, f"{_PLUGIN}:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder.absolute()}"
    )


def _maven(pom: Path, goal: str, *options: str) -> Iterator[str]:
    mvn = shutil.which("mvn")
    if mvn is None:
        raise SourceFailed(
            "there is no mvn here: install Maven (Debian: apt-get install maven), or name a folder or a repository's"
            " URL with the jars (--from, PAYERA_MAVEN_REPOSITORY)"
        )
    command = [mvn, "-B", "-f", str(pom), goal, *options]
    lines: list[str] = []
    with subprocess.Popen(
        ["timeout", f"{_MVN_WITHIN_S:g}", *command] if shutil.which("timeout") else command,
        cwd=pom.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            yield line
    if process.returncode != 0:
        wrong = [line for line in lines if line.startswith("[ERROR]")][:5] or lines[-5:]
        raise SourceFailed(f"mvn ended with {process.returncode}:\n" + "\n".join(wrong))


def _exact_pom(jars: tuple[Jar, ...]) -> str:
    """A project that depends on exactly these jars: whatever they depend on is excluded, for the lock has it."""
    exclusion = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    wanted = "".join(
        f"<dependency><groupId>{jar.group}</groupId><artifactId>{jar.artifact}</artifactId>"
        f"<version>{jar.version}</version>{exclusion}</dependency>\n"
        for jar in jars
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>payera</groupId><artifactId>kafka-jars</artifactId><version>1</version><packaging>pom</packaging>\n"
        f"<dependencies>\n{wanted}</dependencies></project>\n"
    )
