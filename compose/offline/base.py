"""A stand-in for the Python image: Debian's bookworm with its own Python 3.11, made from the machine's own mirror.

Needs root and `debootstrap`. The machine's certificates are put into it, since a closed network signs its mirrors
itself. It is a thing to build and test with on a machine that reaches no registry of images, not a thing to ship.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from compose.containers.engine import EngineFailed, run

_SUITE = "bookworm"
_PACKAGES = "ca-certificates,python3,python3-venv,python3-pip"
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_ENVIRONMENT = (
    "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    f"ENV PIP_CERT={_CERTIFICATES} SSL_CERT_FILE={_CERTIFICATES}",
    'CMD ["python3"]',
)


def build_base(tag: str) -> None:
    """Make the image `tag`. Raises `EngineFailed` with what is missing."""
    if shutil.which("debootstrap") is None:
        raise EngineFailed(f"a stand-in for {tag} needs the package debootstrap")
    sources = _sources()
    with tempfile.TemporaryDirectory(prefix="payera-base-") as work:
        root = Path(work) / "root"
        command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}"]
        if _KEYRING.exists():
            command.append(f"--keyring={_KEYRING}")
        mirror = [sources[0].split()[1]] if sources else []
        run([*command, _SUITE, str(root), *mirror])
        _dress(root, sources)
        changes = [word for change in _ENVIRONMENT for word in ("--change", change)]
        with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
            done = subprocess.run(
                ["docker", "import", *changes, "-", tag],
                stdin=tar.stdout,
                capture_output=True,
                check=False,
            )
        if done.returncode != 0 or tar.returncode != 0:
            raise EngineFailed(f"docker import {tag}: {done.stderr.decode(errors='replace')}")


def _sources() -> list[str]:
    """The machine's own lines for bookworm (`deb URL SUITE COMPONENT`), its main archive first; none elsewhere."""
    if shutil.which("apt-get") is None:
        return []
    told = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Identifier: Packages"])
    rows = {tuple(line.split()) for line in told.splitlines() if len(line.split()) == 3}
    chosen = [row for row in rows if row[1] in {_SUITE, f"{_SUITE}-updates", f"{_SUITE}-security"} and row[2] == "main"]
    # The shortest name is the archive itself, which debootstrap starts from.
    return [f"deb {url} {suite} {component}" for url, suite, component in sorted(chosen, key=lambda row: len(row[1]))]


def _dress(root: Path, sources: list[str]) -> None:
    """What makes Debian look like the Python image, without what only its installation needed."""
    if _CERTIFICATES.exists():
        shutil.copyfile(_CERTIFICATES, root / _CERTIFICATES.relative_to("/"))
    if sources:
        (root / "etc/apt/sources.list").write_text("\n".join(sources) + "\n", encoding="ascii")
    (root / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink(missing_ok=True)
    for name in ("python", "python3"):
        link = root / "usr/local/bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to("/usr/bin/python3")
    for folder in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(root / folder)
        (root / folder / "partial").mkdir(parents=True)
