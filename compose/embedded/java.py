"""The machine's Java: Apache Kafka's broker needs 17 or newer."""

import os
import re
import shutil
import subprocess
from pathlib import Path

OLDEST = 17


class NoJava(Exception):
    """No Java that is new enough. The message says what was found and what to install."""


def find_java(oldest: int = OLDEST) -> Path:
    """The `java` of `$JAVA_HOME`, else of `$PATH`. Raises `NoJava`."""
    advice = f"Apache Kafka needs Java {oldest} or newer (Debian: apt-get install openjdk-{oldest}-jre-headless)"
    home = os.environ.get("JAVA_HOME")
    at_home = Path(home) / "bin" / "java" if home else None
    found = str(at_home) if at_home is not None and at_home.exists() else shutil.which("java")
    if found is None:
        raise NoJava(f"there is no java in JAVA_HOME or PATH: {advice}")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False)
    number = version_of(said.stderr + said.stdout)
    if number is None:
        raise NoJava(f"{found} does not tell its version: {advice}")
    if number < oldest:
        raise NoJava(f"{found} is Java {number}: {advice}")
    return Path(found)


def version_of(said: str) -> int | None:
    """The major version in what `java -version` says (`1.8.0_392` is 8); None if there is none."""
    match = re.search(r'version "(\d+)(?:\.(\d+))?', said)
    if match is None:
        return None
    return int(match[2]) if match[1] == "1" and match[2] else int(match[1])
