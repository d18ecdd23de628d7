"""Goal: a process with wrong settings says everything that is wrong, and does not start."""

from pathlib import Path

import pytest

from gateway.adapters.failpoints import ScriptedFailpoints
from gateway.settings import DEFAULT_SCHEDULE_S, SettingsInvalid, read_settings


def test_defaults() -> None:
    settings = read_settings({})
    assert (settings.profile, settings.port, settings.topic) == ("production", 8080, "payera.payments.v1")
    assert settings.webhook_schedule_s == DEFAULT_SCHEDULE_S
    assert settings.timing.send_within_s == pytest.approx(4)


def test_everything_wrong_is_named_at_once() -> None:
    with pytest.raises(SettingsInvalid) as wrong:
        read_settings(
            {
                "PAYERA_PROFILE": "staging",
                "PAYERA_PORT": "http",
                "PAYERA_LEASE_S": "nan",
                "PAYERA_WEBHOOK_SCHEDULE": "0,five",
                "PAYERA_FAILPOINTS": "send.before=exit",
                "PAYERA_EGRESS_ALLOW": "simulators",
            }
        )
    for name in ("PROFILE", "PORT", "LEASE_S", "WEBHOOK_SCHEDULE", "FAILPOINTS", "EGRESS_ALLOW"):
        assert f"PAYERA_{name}" in str(wrong.value)


def test_the_psp_timeout_ends_before_the_lease() -> None:
    with pytest.raises(SettingsInvalid, match="below PAYERA_LEASE_S"):
        read_settings({"PAYERA_PSP_TIMEOUT_S": "15"})


def test_what_a_process_needs_is_named() -> None:
    with pytest.raises(SettingsInvalid, match="not set: PAYERA_DATABASE, PAYERA_KEYS"):
        read_settings({"PAYERA_TEMPORAL": "127.0.0.1:7233"}).require("database", "temporal", "keys")


def test_secrets_do_not_show() -> None:
    settings = read_settings({"PAYERA_DATABASE": "postgresql://u:hunter2@h/d", "PAYERA_ADMIN_KEY": "ak_hunter2"})
    assert "hunter2" not in repr(settings)


def test_a_secret_may_come_by_file(tmp_path: Path) -> None:
    file = tmp_path / "admin_key"
    file.write_text("ak_of_a_file\n", encoding="utf-8")
    assert read_settings({"PAYERA_ADMIN_KEY_FILE": str(file)}).admin_key == "ak_of_a_file"
    with pytest.raises(SettingsInvalid) as wrong:
        read_settings(
            {
                "PAYERA_ADMIN_KEY_FILE": str(file),
                "PAYERA_ADMIN_KEY": "ak_x",
                "PAYERA_DATABASE_FILE": str(tmp_path / "absent"),
            }
        )
    assert "set PAYERA_ADMIN_KEY or PAYERA_ADMIN_KEY_FILE, not both" in str(wrong.value)
    assert f"PAYERA_DATABASE_FILE: {tmp_path / 'absent'} cannot be read (FileNotFoundError)" in str(wrong.value)


async def test_failpoints_fire_as_often_as_told() -> None:
    points = ScriptedFailpoints("send.before=sleep:0.01*1; apply.after=sleep:0")
    await points.reach("send.before")
    await points.reach("send.before")
    await points.reach("apply.after")
    await points.reach("begin.after")


@pytest.mark.parametrize("script", ["send.before", "nowhere=exit", "send.before=explode", "send.before=sleep:x"])
def test_a_script_that_cannot_be_read(script: str) -> None:
    with pytest.raises(SettingsInvalid, match="PAYERA_FAILPOINTS"):
        ScriptedFailpoints(script)
