"""What an endpoint's answer means, when the next try is, and that the signature is the scheme's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import orjson
import pytest
from standardwebhooks import Webhook

from gateway.adapters.clock import SystemClock
from gateway.domain.card import Secret
from gateway.domain.errors import VaultFailed
from gateway.use_cases.deliver_webhook import Answer, Schedule, deliver_webhook, judge, signature
from gateway.use_cases.ports import Json, Vault
from tests.unit.fakes import NOW

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
STANDARD = Schedule((0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400), jitter=0)
ROW: Json = {"id": "del_1", "event_id": "evt_1", "endpoint_id": "we_1", "merchant": "mer_1", "attempts": 0}
ROW |= {"url": "https://shop.example/hooks", "secret_ciphertext": "x", "key_id": "dek_1", "payload": {"id": "evt_1"}}


@pytest.mark.parametrize(
    ("tried", "wait_s"),
    [(1, 5), (2, 295), (3, 1500), (4, 5400), (5, 10800), (6, 18000), (7, 14400), (8, 21600), (9, 14400), (10, None)],
)
def test_the_schedule_is_counted_from_the_last_try(tried: int, wait_s: float | None) -> None:
    assert STANDARD.wait_s(tried) == wait_s


def test_jitter_only_adds_and_stays_within_its_part() -> None:
    waits = [Schedule((0, 100), jitter=0.1).wait_s(1) for _ in range(200)]
    assert all(wait is not None and 100 <= wait <= 110 for wait in waits)
    assert len(set(waits)) > 100


@pytest.mark.parametrize(
    ("answer", "attempts", "expected"),
    [
        (Answer(200), 0, {"ok": True, "status_code": 200}),
        (Answer(204), 3, {"ok": True, "status_code": 204}),
        (Answer(302), 0, {"status_code": 302, "error": "redirects are not followed", "next": 5}),
        (Answer(400), 0, {"status_code": 400, "error": "answered 400", "next": 5}),
        (Answer(500), 1, {"status_code": 500, "error": "answered 500", "next": 295}),
        (Answer(500), 9, {"status_code": 500, "error": "answered 500", "dead": True}),
        (Answer(410), 0, {"status_code": 410, "error": "answered 410", "dead": True, "disable_endpoint": True}),
        (Answer(failure="no answer in time"), 0, {"error": "no answer in time", "next": 5}),
    ],
)
def test_what_an_answer_means(answer: Answer, attempts: int, expected: Json) -> None:
    wanted: Json = {"delivery_id": "del_1", "ok": False, "dead": False, "disable_endpoint": False}
    wanted |= {"at": NOW.isoformat()} | expected
    if (wait_s := wanted.pop("next", None)) is not None:
        wanted["next_at"] = (NOW + timedelta(seconds=wait_s)).isoformat()
    assert judge({**ROW, "attempts": attempts}, answer, STANDARD, NOW) == wanted


def test_a_secret_of_another_form_signs_nothing() -> None:
    with pytest.raises(VaultFailed):
        signature("whsec_not base64!", "evt_1", 1, b"{}")


@dataclass
class Sender:
    sent: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.sent.append((url, headers, body))
        return Answer(200)


@dataclass
class OneSecret:
    secret: str | None

    async def open_text(self, *place: str) -> Secret:
        assert place == ("mer_1", "we_1", "webhook_secret", "x", "dek_1")
        if self.secret is None:
            raise VaultFailed("gone")
        return Secret(self.secret)


async def deliver(secret: str | None, sender: Sender) -> Json:
    vault = cast("Vault", OneSecret(secret))
    return await deliver_webhook(vault, sender, orjson.dumps, SystemClock(), STANDARD, ROW)


async def test_what_is_sent_verifies() -> None:
    sender = Sender()
    assert (await deliver(SECRET, sender))["ok"] is True
    [(url, headers, body)] = sender.sent
    verified: Any = Webhook(SECRET).verify(body, dict(headers))
    assert (url, verified) == (ROW["url"], ROW["payload"])


async def test_nothing_is_sent_unsigned() -> None:
    sender = Sender()
    result = await deliver(None, sender)
    assert sender.sent == []
    assert (result["ok"], result["error"]) == (False, "the signing secret cannot be opened")
