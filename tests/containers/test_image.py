"""Goal: the image holds what it runs and nothing that is nobody else's business: no secret, no history, no tests."""

import io
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose.containers import engine
from compose.containers.images import OUR_IMAGE

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]
PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")
FORBIDDEN = re.compile(
    r"(^|/)(\.git|\.payera|\.env|tests|reports|\.venv|shared)(/|$)|\.key$|kek\.json$|secrets\.json$|env\.json$"
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("image") / "payera.tar"
    engine.docker("save", "--output", str(file), OUR_IMAGE)
    return file


def layers(saved: Path) -> Iterator[tuple[str, tarfile.TarFile]]:
    with tarfile.open(saved) as image:
        manifest = image.extractfile("manifest.json")
        assert manifest is not None
        for name in json.load(manifest)[0]["Layers"]:
            member = image.extractfile(name)
            assert member is not None
            with tarfile.open(fileobj=io.BytesIO(member.read())) as layer:
                yield name, layer


def test_no_layer_holds_a_secret(saved: Path, secrets: dict[str, bytes]) -> None:
    """Layers are searched as they are saved: uncompressed, what a later layer removed included."""
    wanted = re.compile(b"|".join(re.escape(value) for value in secrets.values()))
    kept = b""
    with saved.open("rb") as stream:
        while chunk := stream.read(1 << 22):
            assert wanted.search(kept + chunk) is None
            kept = chunk[-1024:]


def test_our_layers_hold_our_code_alone(saved: Path) -> None:
    found = set()
    for _, layer in layers(saved):
        for member in layer:
            name = member.name.removeprefix("./")
            if name.startswith("app/"):
                found.add(name.split("/")[1])
                assert FORBIDDEN.search(name) is None, name
                if member.isfile() and not name.endswith(".pyc"):
                    file = layer.extractfile(member)
                    assert file is not None
                    assert PRIVATE_KEY.search(file.read()) is None, name
    assert found == {"compose", "gateway", "simulators", "sql", "workflows"}


def test_nobody_can_write_what_runs(saved: Path) -> None:
    for _, layer in layers(saved):
        for member in layer:
            if member.name.removeprefix("./").startswith(("app", "opt/payera")):
                assert (member.uid, member.mode & 0o022 if not member.issym() else 0) == (0, 0), member.name


def test_the_history_tells_no_secret(secrets: dict[str, bytes]) -> None:
    """Neither as a value nor as a place: where packages came from is the builder's business."""
    history = engine.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", OUR_IMAGE)
    assert not [name for name, value in secrets.items() if value.decode() in history]
    assert "INDEX" not in history
    assert "://" not in history


def test_the_image_s_own_settings() -> None:
    (row,) = engine.inspect(OUR_IMAGE, kind="image")
    config = row["Config"]
    assert config["User"] == "10001:10001"
    assert config["Healthcheck"]["Test"] == ["CMD", "healthy"]
    assert not [one for one in config["Env"] if re.search("PASSWORD|SECRET|TOKEN|KEY|DATABASE", one)]
    assert not config.get("Volumes")
