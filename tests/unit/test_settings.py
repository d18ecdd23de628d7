"""Goal: a process with wrong settings says everything that is wrong, and does not start."""

import asyncio
import json
from pathlib import Path

import pytest

from gateway.adapters.failpoints import NoFailpoints, ScriptedFailpoints, failpoints_of
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


async def test_a_process_stands_still_at_a_point_until_it_is_answered(tmp_path: Path) -> None:
    told: list[dict[str, str]] = []
    asked, go = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told.append(json.loads(await reader.readline()))
        asked.set()
        await go.wait()
        writer.write(b"go\n")
        writer.close()

    points = failpoints_of(f"ask:{tmp_path / 'ask.sock'}", "api")
    await points.reach("begin.before", "mer_1")  # nobody listens yet
    async with await asyncio.start_unix_server(serve, str(tmp_path / "ask.sock")):
        waiting = asyncio.create_task(points.reach("send.after"))
        await asked.wait()
        assert not waiting.done()
        go.set()
        await waiting
    assert told == [{"process": "api", "point": "send.after", "merchant": "mer_1"}]


def test_what_the_setting_says_is_what_happens() -> None:
    assert isinstance(failpoints_of("", "api"), NoFailpoints)
    assert isinstance(failpoints_of("send.before=exit", "api"), ScriptedFailpoints)


def test_production_has_limits_and_the_test_profile_only_those_it_sets() -> None:
    def rates(**environ: str) -> tuple[float | None, ...]:
        settings = read_settings(environ)
        return settings.rate_per_s, settings.token_rate_per_s, settings.failed_auth_per_s

    assert rates() == (500, 50, 1)
    assert rates(PAYERA_PROFILE="test") == (None, None, None)
    assert rates(PAYERA_PROFILE="test", PAYERA_TOKEN_RATE_PER_S="0.5") == (None, 0.5, None)
    with pytest.raises(SettingsInvalid, match="PAYERA_RATE_PER_S"):
        rates(PAYERA_RATE_PER_S="-1")


def test_a_collector_is_named_by_its_url() -> None:
    assert read_settings({"PAYERA_OTLP": "http://127.0.0.1:4318"}).otlp == "http://127.0.0.1:4318"
    assert read_settings({"PAYERA_OTLP": ""}).otlp is None
    for wrong in ("127.0.0.1:4318", "file:///etc/passwd", "http://"):
        with pytest.raises(SettingsInvalid, match="PAYERA_OTLP"):
            read_settings({"PAYERA_OTLP": wrong})


def test_idempotency_keys_live_for_a_day_unless_told_otherwise() -> None:
    assert read_settings({}).keep_idempotency_s == 86_400
    assert read_settings({"PAYERA_KEEP_IDEMPOTENCY_S": "3600"}).keep_idempotency_s == 3600
