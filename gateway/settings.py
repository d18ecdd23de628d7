"""Settings: read once from the environment, checked, frozen. See docs/architecture.md, section 5."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from gateway.use_cases.ports import Timing

DEFAULT_SCHEDULE_S = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""Seconds after the event at which a webhook is tried: the Standard Webhooks schedule."""

DAY_S = 86_400.0
_RATES = {"PAYERA_RATE_PER_S": 500.0, "PAYERA_TOKEN_RATE_PER_S": 50.0, "PAYERA_FAILED_AUTH_PER_S": 1.0}
"""Requests per second and key that production takes unless told otherwise; the test profile has no limit by default."""


class SettingsInvalid(Exception):
    """The environment lacks a setting or holds a wrong one. The message names each and says how to mend it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What every process of the gateway reads from its environment. Secrets are hidden from repr."""

    profile: Literal["test", "production"] = "production"
    database: str | None = field(default=None, repr=False)
    system_database: str | None = field(default=None, repr=False)
    temporal: str | None = None
    temporal_namespace: str = "payera"
    task_queue: str = "payera"
    kafka: str | None = None
    topic: str = "payera.payments.v1"
    keys: Path | None = None
    admin_key: str | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    port: int = 8080
    psp_timeout_s: float = 10.0
    lease_s: float = 15.0
    answer_budget_s: float = 8.0
    cascade_window_s: float = 60.0
    webhook_schedule_s: tuple[int, ...] = DEFAULT_SCHEDULE_S
    failpoints: str = ""
    pool_size: int = 10
    egress_allow: tuple[str, ...] = ()
    otlp: str | None = None
    rate_per_s: float | None = None
    token_rate_per_s: float | None = None
    failed_auth_per_s: float | None = None
    keep_idempotency_s: float = DAY_S
    keep_notifications_s: float = 35 * DAY_S
    keep_deliveries_s: float = 30 * DAY_S
    keep_receipts_s: float = 3600.0

    @property
    def timing(self) -> Timing:
        """The durations that use cases need."""
        return Timing(
            psp_timeout_s=self.psp_timeout_s,
            lease_s=self.lease_s,
            answer_budget_s=self.answer_budget_s,
            cascade_window_s=self.cascade_window_s,
        )

    def require(self, *names: str) -> "Settings":
        """Return self if all these fields are set. Raises `SettingsInvalid` with the variables that are missing."""
        missing = [f"PAYERA_{name.upper()}" for name in names if getattr(self, name) is None]
        if missing:
            raise SettingsInvalid(f"not set: {', '.join(missing)} (see docs/architecture.md, section 5)")
        return self


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read `PAYERA_*`. Raises `SettingsInvalid` naming every wrong value at once."""
    source = os.environ if environ is None else environ
    reader = _Reader(source)
    settings = Settings(
        profile=reader.profile(),
        database=reader.secret("PAYERA_DATABASE"),
        system_database=reader.secret("PAYERA_SYSTEM_DATABASE"),
        temporal=reader.text("PAYERA_TEMPORAL"),
        temporal_namespace=reader.text("PAYERA_TEMPORAL_NAMESPACE") or "payera",
        task_queue=reader.text("PAYERA_TASK_QUEUE") or "payera",
        kafka=reader.text("PAYERA_KAFKA"),
        topic=reader.text("PAYERA_TOPIC") or "payera.payments.v1",
        keys=reader.path("PAYERA_KEYS"),
        admin_key=reader.secret("PAYERA_ADMIN_KEY"),
        host=reader.text("PAYERA_HOST") or "127.0.0.1",
        port=int(reader.number("PAYERA_PORT", 8080, whole=True)),
        psp_timeout_s=reader.number("PAYERA_PSP_TIMEOUT_S", 10),
        lease_s=reader.number("PAYERA_LEASE_S", 15),
        answer_budget_s=reader.number("PAYERA_ANSWER_BUDGET_S", 8),
        cascade_window_s=reader.number("PAYERA_CASCADE_WINDOW_S", 60),
        webhook_schedule_s=reader.schedule("PAYERA_WEBHOOK_SCHEDULE"),
        failpoints=reader.text("PAYERA_FAILPOINTS") or "",
        pool_size=int(reader.number("PAYERA_POOL_SIZE", 10, whole=True)),
        egress_allow=tuple(filter(None, (reader.text("PAYERA_EGRESS_ALLOW") or "").split(","))),
        otlp=reader.url("PAYERA_OTLP"),
        rate_per_s=reader.rate("PAYERA_RATE_PER_S"),
        token_rate_per_s=reader.rate("PAYERA_TOKEN_RATE_PER_S"),
        failed_auth_per_s=reader.rate("PAYERA_FAILED_AUTH_PER_S"),
        keep_idempotency_s=reader.number("PAYERA_KEEP_IDEMPOTENCY_S", DAY_S),
        keep_notifications_s=reader.number("PAYERA_KEEP_NOTIFICATIONS_S", 35 * DAY_S),
        keep_deliveries_s=reader.number("PAYERA_KEEP_DELIVERIES_S", 30 * DAY_S),
        keep_receipts_s=reader.number("PAYERA_KEEP_RECEIPTS_S", 3600),
    )
    if settings.psp_timeout_s >= settings.lease_s:
        # The fence: a request sent at the last allowed moment must end before anybody else may claim the operation.
        reader.wrong.append("PAYERA_PSP_TIMEOUT_S must be below PAYERA_LEASE_S")
    if settings.failpoints and settings.profile != "test":
        reader.wrong.append("PAYERA_FAILPOINTS is allowed in the test profile only")
    if settings.egress_allow and settings.profile != "test":
        reader.wrong.append("PAYERA_EGRESS_ALLOW is allowed in the test profile only")
    if reader.wrong:
        raise SettingsInvalid("; ".join(reader.wrong))
    return settings


class _Reader:
    """Takes values out of the environment and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.wrong: list[str] = []

    def text(self, name: str) -> str | None:
        return self._environ.get(name) or None

    def secret(self, name: str) -> str | None:
        """The variable, or the content of the file that `NAME_FILE` names, without the line's end."""
        value, file = self.text(name), self.text(f"{name}_FILE")
        if file is None:
            return value
        if value is not None:
            self.wrong.append(f"set {name} or {name}_FILE, not both")
            return None
        try:
            return Path(file).read_text(encoding="utf-8").strip() or None
        except (OSError, ValueError) as error:
            self.wrong.append(f"{name}_FILE: {file} cannot be read ({type(error).__name__})")
            return None

    def path(self, name: str) -> Path | None:
        value = self.text(name)
        return Path(value) if value else None

    def profile(self) -> Literal["test", "production"]:
        value = self.text("PAYERA_PROFILE") or "production"
        if value == "test":
            return "test"
        if value != "production":
            self.wrong.append("PAYERA_PROFILE must be test or production")
        return "production"

    def number(self, name: str, default: float, *, whole: bool = False) -> float:
        value = self.text(name)
        if value is None:
            return default
        try:
            number = int(value) if whole else float(value)
        except ValueError:
            number = 0
        if not 0 < number < 1e9:
            self.wrong.append(f"{name} must be a positive {'whole number' if whole else 'number'}")
            return default
        return number

    def rate(self, name: str) -> float | None:
        """Requests per second; None: no limit, which is what the test profile has unless it sets one."""
        production = self.text("PAYERA_PROFILE") != "test"
        if self.text(name) is None and not production:
            return None
        return self.number(name, _RATES[name])

    def url(self, name: str) -> str | None:
        value = self.text(name)
        if value is not None and not (urlsplit(value).scheme in ("http", "https") and urlsplit(value).hostname):
            self.wrong.append(f"{name} must be an http or https URL")
        return value

    def schedule(self, name: str) -> tuple[int, ...]:
        value = self.text(name)
        if value is None:
            return DEFAULT_SCHEDULE_S
        parts = value.split(",")
        if not all(part.strip().isdigit() for part in parts):
            self.wrong.append(f"{name} must be whole seconds separated by commas")
            return DEFAULT_SCHEDULE_S
        return tuple(int(part) for part in parts)
