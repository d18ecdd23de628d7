"""The images of `compose.yaml`: the real ones where they can be had, stand-ins built from packages elsewhere."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import yaml

from compose.containers.engine import EngineFailed, docker, has_image
from compose.containers.state import COMPOSE, ROOT
from compose.offline import standins

OUR_IMAGE = "payera:dev"
PULL = "PAYERA_PULL"
"""Whether images may be pulled: `1` or `0`. Not told: yes, but not in CI, where nothing may depend on a registry."""
_PULL_WITHIN_S = 300.0
_PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host")

Progress = Callable[[str], None]


def named(file: Path = COMPOSE) -> list[str]:
    """The images that the compose file names besides ours, after the one that everything is built on."""
    services = yaml.safe_load(file.read_text(encoding="utf-8"))["services"]
    found = sorted({service["image"] for service in services.values()} - {OUR_IMAGE})
    return [standins.BASE, *found]


def may_pull() -> bool:
    """Whether to ask a registry of images at all."""
    told = os.environ.get(PULL)
    if told is not None:
        return told not in {"", "0", "false", "no"}
    return os.environ.get("CI", "").lower() not in {"1", "true"}


def ensure(progress: Progress) -> None:
    """Have every image that the environment needs. Raises `EngineFailed`, naming the one that could not be had."""
    registry_answers = may_pull()
    for image in named():
        if has_image(image):
            continue
        if registry_answers:
            try:
                docker("pull", "--quiet", image, timeout_s=_PULL_WITHIN_S)
            except EngineFailed as refused:
                registry_answers = False
                progress(f"no registry of images is reachable ({_last_line(refused)}): building stand-ins")
            else:
                progress(f"{image}: pulled")
                continue
        progress(f"{image}: building a stand-in from packages")
        standins.build(image)


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1][:200]


def build_ours() -> None:
    """Make `payera:dev` from this checkout; seconds, unless the locked packages changed. Raises `EngineFailed`."""
    arguments = [word for name, value in _pip_settings().items() for word in ("--build-arg", f"{name}={value}")]
    docker(
        *("build", "--quiet", "--network", "host", *arguments),
        *("--file", str(ROOT / "compose" / "Dockerfile"), "--tag", OUR_IMAGE, str(ROOT)),
        timeout_s=1200,
    )


def _pip_settings() -> dict[str, str]:
    """Where this machine's pip looks for packages, if it was told so: the build must look there too."""
    told = subprocess.run(["python3", "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    found = dict(re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", told.stdout, re.MULTILINE))
    return {f"PIP_{name.upper().replace('-', '_')}": found[name] for name in _PIP_SETTINGS if found.get(name)}
