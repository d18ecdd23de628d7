"""The container engine, through its command line: what works with Debian's docker.io works with every newer one."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_LAST_WORDS = 4_000
"""Characters of a failed command's output that are worth showing."""


class EngineFailed(Exception):
    """The engine is absent, or refused an order. The message holds the command and its last words."""


def run(
    command: Sequence[str],
    *,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_s: float = 600.0,
) -> str:
    """Run a command to its end and return what it wrote. Raises `EngineFailed`."""
    shown = " ".join(command)
    try:
        done = subprocess.run(
            list(command),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError:
        raise EngineFailed(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise EngineFailed(f"{shown}: not done after {timeout_s:g} s") from None
    said = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise EngineFailed(f"{shown}: exit code {done.returncode}\n{said[-_LAST_WORDS:]}")
    return said


def docker(*words: str, stdin: bytes | None = None, timeout_s: float = 600.0) -> str:
    """One order to the engine. Raises `EngineFailed`."""
    return run(("docker", *words), stdin=stdin, timeout_s=timeout_s)


def is_there() -> bool:
    """Whether an engine answers."""
    try:
        docker("version", "--format", "{{.Server.Version}}", timeout_s=20)
    except EngineFailed:
        return False
    return True


def inspect(*names: str, kind: str = "container") -> list[dict[str, Any]]:
    """What the engine knows of containers (or images, networks, volumes). Raises `EngineFailed` if one is absent."""
    if not names:
        return []
    found: list[dict[str, Any]] = json.loads(docker(kind, "inspect", *names))
    return found


def has_image(name: str) -> bool:
    """Whether an image is here."""
    try:
        docker("image", "inspect", "--format", "{{.Id}}", name)
    except EngineFailed:
        return False
    return True


def compose_command() -> tuple[str, ...]:
    """The plugin `docker compose` where it is installed, else `docker-compose`. Raises `EngineFailed`."""
    try:
        docker("compose", "version", timeout_s=20)
    except EngineFailed:
        if shutil.which("docker-compose") is None:
            raise EngineFailed("neither `docker compose` nor docker-compose is installed") from None
        return ("docker-compose",)
    return ("docker", "compose")
