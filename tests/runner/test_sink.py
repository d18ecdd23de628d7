"""The sink's own check of Standard Webhooks signatures, against the reference implementation's signatures."""

import base64
from datetime import UTC, datetime

import aiohttp
import pytest
from standardwebhooks import Webhook

from scenarios.runner.sink import Sink, signature_fault

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
BODY = b'{"type":"payment.captured"}'
NOW = 1_790_000_000


def headers(secret: str = SECRET, at: int = NOW, body: bytes = BODY) -> dict[str, str]:
    signature = Webhook(secret).sign("evt_1", datetime.fromtimestamp(at, UTC), body.decode())
    return {"webhook-id": "evt_1", "webhook-timestamp": str(at), "webhook-signature": signature}


def test_a_good_signature_passes_also_among_others() -> None:
    assert signature_fault(SECRET, headers(), BODY, NOW) is None
    several = headers() | {"webhook-signature": "v1,AAAA " + headers()["webhook-signature"]}
    assert signature_fault(SECRET, several, BODY, NOW + 299) is None


@pytest.mark.parametrize(
    ("given", "body", "now", "fault"),
    [
        (headers(), BODY + b" ", NOW, "no signature in"),
        (headers(secret="whsec_" + base64.b64encode(b"x" * 24).decode()), BODY, NOW, "no signature in"),
        (headers(), BODY, NOW + 301, "is more than 300 s away"),
        (headers(), BODY, NOW - 301, "is more than 300 s away"),
        (headers() | {"webhook-timestamp": "soon"}, BODY, NOW, "is no whole number of seconds"),
        ({"webhook-id": "evt_1"}, BODY, NOW, "header 'webhook-timestamp' is missing"),
    ],
)
def test_every_bad_one_is_named(given: dict[str, str], body: bytes, now: int, fault: str) -> None:
    assert fault in (signature_fault(SECRET, given, body, now) or "")


async def test_the_server_answers_as_told_and_keeps_what_came() -> None:
    sink = Sink()
    await sink.start()
    try:
        box = sink.boxes["mer_1"]
        box.secret, box.answers = SECRET, [500]
        at = int(datetime.now(UTC).timestamp())
        async with aiohttp.ClientSession() as session:
            for expected in (500, 200):
                async with session.post(f"{sink.url}/mer_1", data=BODY, headers=headers(at=at)) as response:
                    assert response.status == expected
        assert [(one.id, one.answered, one.fault) for one in box.received] == [
            ("evt_1", 500, None),
            ("evt_1", 200, None),
        ]
        assert box.received[0].event == {"type": "payment.captured"}
    finally:
        await sink.stop()
