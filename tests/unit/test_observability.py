"""Goal: what reaches a log line has no card number and no key in it, and stays one line."""

import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.card import Pan
from gateway.domain.published_test_cards import TEST_PANS
from gateway.observability import configure_logging, mask, mask_text, payment_id, trace_id

PAN = "4000000000000341"


@pytest.mark.parametrize(
    "text",
    [
        PAN,
        f"card {PAN} declined",
        "4000 0000 0000 0341",
        "4000-0000-0000-0341",
        f'{{"number":"{PAN}"}}',
        f"n={PAN}&x=1",
        "4242424242424242,4000000000000341",
    ],
)
def test_card_numbers_are_masked(text: str) -> None:
    shown = mask_text(text).replace(" ", "").replace("-", "")
    assert PAN not in shown
    assert "4242424242424242" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key sk_test_0123456789abcdef", "key sk_test_***"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***"),
        ("pay_01j8x2m5k3n4p6q7r8s9t0v1w2 took 12 ms", "pay_01j8x2m5k3n4p6q7r8s9t0v1w2 took 12 ms"),
        ("at 1772366400123 ms", "at 1772366400123 ms"),
    ],
)
def test_keys_are_masked_and_the_rest_stays(text: str, expected: str) -> None:
    assert mask_text(text) == expected


@given(st.sampled_from(sorted(TEST_PANS)), st.text(max_size=5), st.text(max_size=5))
def test_no_context_hides_a_number(pan: str, before: str, after: str) -> None:
    # A number inside a longer run of letters or digits is an id, not a card.
    if (before and (before[-1].isalnum() or before[-1] in "_ -")) or (
        after and (after[0].isalnum() or after[0] in "_ -")
    ):
        return
    assert pan not in mask_text(before + pan + after)


def test_nested_values_and_names() -> None:
    masked = mask(
        {"number": "1", "card": {"cvc": "123", "exp": 12}, "list": [PAN, Pan(PAN)], "n": int(PAN), "ok": True, "x": 1.5}
    )
    assert masked == {
        "number": "***",
        "card": {"cvc": "***", "exp": 12},
        "list": ["***", "***"],
        "n": "***",
        "ok": True,
        "x": 1.5,
    }


def test_every_logger_is_masked_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:], logging.getLogger().level
    configure_logging("api")
    trace_id.set("t" * 32)
    payment_id.set("pay_1")
    try:
        structlog.get_logger("ours").info("paid", card=PAN, api_key="k", note="a\nb\x1b[31m")
        logging.getLogger("theirs").error("failed with %s", PAN)
        try:
            int(f"locals {PAN}")
        except ValueError:
            logging.getLogger("theirs").exception("boom", extra={"secret_key": "s"})
    finally:
        logging.getLogger().handlers[:], logging.getLogger().level = before
        structlog.reset_defaults()
        trace_id.set("")
        payment_id.set("")
    out = capsys.readouterr().out
    assert PAN not in out
    first, second, third = (json.loads(line) for line in out.splitlines())
    assert (first["event"], first["card"], first["api_key"], first["process"]) == ("paid", "***", "***", "api")
    assert (first["trace_id"], first["payment"], first["level"]) == ("t" * 32, "pay_1", "info")
    assert second["event"] == "failed with ***"
    assert "ValueError: invalid literal for int() with base 10: 'locals ***'" in third["exception"]
    assert third["secret_key"] == "***"
