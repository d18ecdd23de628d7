"""Goal: the containers that run are guarded as `compose.yaml` says; no secret shows from outside (PCI DSS 2.2, 8.6)."""

import json
from typing import Any

import pytest

from compose.containers import engine
from compose.containers.engine import EngineFailed
from compose.embedded.http import call

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]
ONCE = {"migrate", "topics"}
OWN = ("api-1", "api-2", "worker", "relay", "dispatcher", "reporting", "simulators")
SERVICES = (*OWN, "postgres", "kafka", "temporal", "proxy")


def test_all_of_it_is_well(inspected: dict[str, dict[str, Any]]) -> None:
    assert set(inspected) == {*SERVICES, *ONCE}
    for name, row in inspected.items():
        status = row["State"]
        if name in ONCE:
            assert (status["Status"], status["ExitCode"]) == ("exited", 0), name
        else:
            assert (status["Status"], status["Health"]["Status"]) == ("running", "healthy"), name


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_do_no_more_than_it_must(inspected: dict[str, dict[str, Any]], name: str) -> None:
    host, config = inspected[name]["HostConfig"], inspected[name]["Config"]
    assert int(config["User"].partition(":")[0]) > 0
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] > 0
    assert host["NanoCpus"] > 0
    assert 0 < host["PidsLimit"] <= 300
    for doors in (host["PortBindings"] or {}).values():
        assert [door["HostIp"] for door in doors] == ["127.0.0.1"]


@pytest.mark.parametrize("name", SERVICES)
def test_the_kernel_agrees(inspected: dict[str, dict[str, Any]], name: str) -> None:
    """As the processes themselves see it: no user 0, no capability, no way to more, a root that cannot be written."""
    container = inspected[name]["Id"]
    said = engine.docker("exec", container, "cat", "/proc/1/status")
    status = dict(line.split(":", 1) for line in said.splitlines() if ":" in line)
    assert "0" not in status["Uid"].split()
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    with pytest.raises(EngineFailed, match="Read-only file system"):
        engine.docker("exec", container, "sh", "-c", "echo > /usr/written")


@pytest.mark.parametrize("name", [*SERVICES, *sorted(ONCE)])
def test_no_secret_shows_from_outside(
    inspected: dict[str, dict[str, Any]], secrets: dict[str, bytes], name: str
) -> None:
    """Not in variables, labels, arguments or anything else that the engine tells; nor in the container's log."""
    told = json.dumps(inspected[name]).encode()
    logged = engine.docker("logs", inspected[name]["Id"]).encode()
    for secret, value in secrets.items():
        assert value not in told, f"{secret} in what `docker inspect` tells"
        assert value not in logged, f"{secret} in the log"


@pytest.mark.parametrize("name", OWN)
def test_no_secret_is_in_a_process_s_environment(
    inspected: dict[str, dict[str, Any]], secrets: dict[str, bytes], name: str
) -> None:
    said = engine.docker("exec", inspected[name]["Id"], "sh", "-c", "cat /proc/[0-9]*/environ").encode()
    assert b"PAYERA_" in said
    assert not [secret for secret, value in secrets.items() if value in said]


def test_the_keys_are_there_to_read_and_not_to_write(inspected: dict[str, dict[str, Any]]) -> None:
    for name in ("api-1", "api-2", "worker", "relay", "dispatcher"):
        container = inspected[name]["Id"]
        assert "kek.json" in engine.docker("exec", container, "ls", "/run/payera/keys")
        with pytest.raises(EngineFailed, match="Read-only file system"):
            engine.docker("exec", container, "sh", "-c", "echo > /run/payera/keys/pepper.key")
    for name in ("reporting", "simulators"):
        with pytest.raises(EngineFailed, match="No such file"):
            engine.docker("exec", inspected[name]["Id"], "ls", "/run/payera/keys")


def test_the_key_of_a_cvv_is_in_memory_and_shared(inspected: dict[str, dict[str, Any]]) -> None:
    """What one api makes the other, the worker and the relay find; no disk ever holds it."""
    folder = "/run/payera/keys/cvv"
    file = f"{folder}/tok_00000000000000000000test01"
    engine.docker("exec", inspected["api-1"]["Id"], "sh", "-c", f"echo here > {file}")
    try:
        for name in ("api-2", "worker", "relay"):
            assert engine.docker("exec", inspected[name]["Id"], "cat", file).strip() == "here"
            mounts = engine.docker("exec", inspected[name]["Id"], "cat", "/proc/mounts").splitlines()
            (kind,) = [line.split()[2] for line in mounts if line.split()[1] == folder]
            assert kind == "tmpfs"
    finally:
        engine.docker("exec", inspected["api-1"]["Id"], "rm", file)


def test_postgres_writes_through_to_the_disk(env: dict[str, Any], inspected: dict[str, dict[str, Any]]) -> None:
    """Unlike the embedded one, this database survives a power cut."""
    query = "select string_agg(name || '=' || setting, ' ' order by name) from pg_settings"
    query += " where name in ('fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums')"
    command = ("psql", "-X", "-A", "-t", "-h", "/var/run/postgresql", "-U", "postgres", "-c", query)
    said = engine.docker("exec", inspected["postgres"]["Id"], *command).strip()
    assert said == "data_checksums=on fsync=on full_page_writes=on synchronous_commit=on"


def test_every_volume_has_a_name(inspected: dict[str, dict[str, Any]]) -> None:
    """A nameless one, which an image may ask for, would be left behind unseen."""
    mounts = {name: row["Mounts"] for name, row in inspected.items()}
    named = {
        name: sorted(m["Name"].rpartition("_")[2] for m in all_ if m["Type"] == "volume")
        for name, all_ in mounts.items()
    }
    assert {name: volumes for name, volumes in named.items() if volumes} == {
        **{name: ["cvv"] for name in ("api-1", "api-2", "worker", "relay", "dispatcher")},
        **{name: [name] for name in ("postgres", "kafka", "temporal", "simulators")},
    }


def test_the_topic_is_as_told(inspected: dict[str, dict[str, Any]]) -> None:
    said = engine.docker("logs", inspected["topics"]["Id"])
    assert said.startswith("payera.payments.v1: ")


def test_one_api_may_die(env: dict[str, Any], inspected: dict[str, dict[str, Any]]) -> None:
    """The proxy sends every request to the one that lives; both are behind it again afterwards."""
    container = inspected["api-1"]["Id"]
    engine.docker("kill", container)
    try:
        key = env["merchant"]["secret_key"]
        listed = [call("GET", f"{env['gateway']}/v1/payments?limit=1", bearer=key) for _ in range(40)]
        assert [page["object"] for page in listed] == ["list"] * 40
    finally:
        engine.docker("start", container)


def test_figures_are_for_the_inside(env: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="HTTP 404"):
        call("GET", f"{env['gateway']}/metrics")
