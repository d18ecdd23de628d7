"""The lock of the broker's jars and what fetches them: whole and checked, or not at all."""

import hashlib
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose.embedded.java import NoJava, find_java, version_of
from compose.kafka_jars import lock, sources
from compose.kafka_jars.__main__ import main
from compose.kafka_jars.fetch import fetch, relock
from compose.kafka_jars.lock import Jar, LockInvalid
from compose.kafka_jars.sources import SourceFailed


def jar(artifact: str, content: bytes, group: str = "org.example") -> Jar:
    return Jar(group, artifact, "1.0", hashlib.sha256(content).hexdigest())


CONTENT = {"alpha": b"first jar", "beta": b"second jar"}
JARS = tuple(jar(name, content) for name, content in CONTENT.items())


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    folder = tmp_path / "flat"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / f"{name}-1.0.jar").write_bytes(content)
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    for each, content in zip(JARS, CONTENT.values(), strict=True):
        path = root / each.path
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    return root


@pytest.fixture
def web(repository: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(repository))  # type: ignore[arg-type]  # the base is untyped here

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_committed_lock_is_a_broker_of_version_4_and_names_no_host() -> None:
    jars = lock.read()
    assert lock.version(jars).startswith("4.")
    assert len({each.file for each in jars}) == len(jars) > 30
    assert "://" not in lock.LOCK_FILE.read_text(encoding="ascii")


def test_a_lock_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock.write(tuple(reversed(JARS)), path)
    assert lock.read(path) == JARS
    first = path.read_bytes()
    lock.write(JARS, path)
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("org.example:alpha:1.0", "line 1: expected"),
        (f"org.example:../alpha:1.0 {'0' * 64}", "line 1: expected"),
        (f"org.example:alpha:1.0 {'0' * 63}", "line 1: expected"),
        (f"a:x:1 {'0' * 64}\nb:x:1 {'0' * 64}", "the same file name"),
    ],
)
def test_a_damaged_lock_is_refused(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "lock"
    path.write_text(line + "\n", encoding="ascii")
    with pytest.raises(LockInvalid, match=why):
        lock.read(path)
    with pytest.raises(LockInvalid, match=r"no org\.apache\.kafka"):
        lock.version(JARS)


def test_jars_come_from_a_flat_folder_a_repository_and_over_http(
    tmp_path: Path, flat: Path, repository: Path, web: str
) -> None:
    for number, place in enumerate((str(flat), str(repository), f"file://{repository}", web)):
        seen: list[str] = []
        target = tmp_path / f"target{number}"
        assert fetch(target, JARS, sources.choose(place), seen.append) is True
        assert names(target) == ["alpha-1.0.jar", "beta-1.0.jar"]
        assert seen == ["1/2 alpha-1.0.jar", "2/2 beta-1.0.jar"]
        assert fetch(target, JARS, sources.choose("/nowhere")) is False, "what is there and whole is not fetched again"


def test_the_environment_names_a_repository(tmp_path: Path, flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYERA_MAVEN_REPOSITORY", str(flat))
    assert fetch(tmp_path / "target", JARS, sources.choose(None)) is True
    monkeypatch.delenv("PAYERA_MAVEN_REPOSITORY")
    assert sources.choose(None) is sources.by_maven


def test_another_content_is_refused_and_leaves_nothing(tmp_path: Path, flat: Path) -> None:
    (flat / "beta-1.0.jar").write_bytes(b"something else")
    with pytest.raises(SourceFailed, match=r"beta-1.0.jar \(org.example:beta:1.0\) has sha256 [0-9a-f]{64}, locked is"):
        fetch(tmp_path / "target", JARS, sources.from_folder(flat))
    assert not (tmp_path / "target").exists()
    assert names(tmp_path) == ["flat"], "no trace of the attempt"


def test_a_damaged_or_older_installation_is_replaced_as_a_whole(tmp_path: Path, flat: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "alpha-1.0.jar").write_bytes(b"damaged")
    (target / "gamma-0.9.jar").write_bytes(b"of an older lock")
    assert lock.complaints(JARS, target) == [
        f"alpha-1.0.jar (org.example:alpha:1.0) has sha256 {hashlib.sha256(b'damaged').hexdigest()}, locked is"
        f" {JARS[0].sha256}",
        "beta-1.0.jar is missing",
    ]
    assert fetch(target, JARS, sources.from_folder(flat)) is True
    assert names(target) == ["alpha-1.0.jar", "beta-1.0.jar"]


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path, flat: Path) -> None:
    target = tmp_path / "precious"
    target.mkdir()
    (target / "thesis.txt").write_text("years of work", encoding="ascii")
    with pytest.raises(SourceFailed, match=r"thesis\.txt"):
        fetch(target, JARS, sources.from_folder(flat))
    assert names(target) == ["thesis.txt"]


def test_what_cannot_be_had_is_said(tmp_path: Path, web: str, flat: Path) -> None:
    missing = (*JARS, jar("gone", b""))
    with pytest.raises(SourceFailed, match=r"gone-1.0.jar: HTTP Error 404"):
        fetch(tmp_path / "a", missing, sources.from_url(web))
    with pytest.raises(SourceFailed, match=r"has neither gone-1.0.jar nor org/example/gone/1.0/gone-1.0.jar"):
        fetch(tmp_path / "b", missing, sources.from_folder(flat))


def script(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\n" + text, encoding="ascii")
    (folder / name).chmod(0o755)


def test_maven_is_asked_for_exactly_the_locked_jars(
    tmp_path: Path, flat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(
        tmp_path / "bin",
        "mvn",
        f"""cp "$3" {tmp_path}/pom
for word; do case "$word" in -DoutputDirectory=*) to=${{word#-DoutputDirectory=}};; esac; done
for jar in alpha beta; do
  cp {flat}/$jar-1.0.jar "$to/"
  echo "[INFO] Downloaded from here: http://x/$jar-1.0.jar (1 kB)"
done
""",
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    seen: list[str] = []
    assert fetch(tmp_path / "target", JARS, sources.by_maven, seen.append) is True
    assert seen == ["1/2 alpha-1.0.jar", "2/2 beta-1.0.jar"]
    pom = (tmp_path / "pom").read_text(encoding="utf-8")
    assert pom.count("<dependency>") == pom.count("<artifactId>*</artifactId>") == 2
    assert "<artifactId>alpha</artifactId><version>1.0</version>" in pom


def test_mavens_own_words_are_shown_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "bin", "mvn", 'echo "[INFO] scanning"; echo "[ERROR] Could not transfer artifact"; exit 1\n')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(SourceFailed, match=r"mvn ended with 1:\n\[ERROR\] Could not transfer artifact$"):
        fetch(tmp_path / "target", JARS, sources.by_maven)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(SourceFailed, match=r"there is no mvn here: install Maven .*PAYERA_MAVEN_REPOSITORY"):
        fetch(tmp_path / "target", JARS, sources.by_maven)


def test_a_new_lock_holds_what_was_resolved(tmp_path: Path) -> None:
    def resolve(folder: Path) -> list[str]:
        (folder / "kafka_2.13-4.9.9.jar").write_bytes(b"broker")
        return ["org.apache.kafka:kafka_2.13:4.9.9"]

    target = tmp_path / "lock"
    relock(resolve, target)
    assert lock.read(target) == (Jar("org.apache.kafka", "kafka_2.13", "4.9.9", hashlib.sha256(b"broker").hexdigest()),)
    with pytest.raises(SourceFailed, match=r"lists org.apache.kafka:x:1 but did not bring x-1.jar"):
        relock(lambda folder: ["org.apache.kafka:x:1"], target)


def test_the_command_says_what_is_wrong_by_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path)]) == 1
    assert "kafka-clients-" in capsys.readouterr().out
    assert main(["fetch", str(tmp_path / "target"), "--from", str(tmp_path)]) == 1
    assert "has neither" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_392"', 8),
        ("no such thing", None),
    ],
)
def test_javas_version_is_understood(said: str, number: int | None) -> None:
    assert version_of(said) == number


def test_an_old_or_missing_java_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "bin", "java", "echo 'openjdk version \"11.0.2\"' >&2\n")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(NoJava, match=r"bin/java is Java 11: Apache Kafka needs Java 17 or newer .*apt-get install"):
        find_java()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(NoJava, match="there is no java in JAVA_HOME or PATH"):
        find_java()
