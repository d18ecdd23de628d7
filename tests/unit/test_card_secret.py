"""Goal: no way of printing, storing or copying a card shows a digit of it (SEC-20)."""

import copy
import dataclasses
import io
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from pydantic import BaseModel, ConfigDict

from gateway.domain.card import CardSecret, Cvv, Pan, Secret
from gateway.observability import mask

PAN = "4000000000000341"
CVV = "739"


def card() -> CardSecret:
    return CardSecret(Pan(PAN), 12, 2030, Cvv(CVV), "Jane")


def log(value: Any) -> str:
    out = io.StringIO()
    logger = logging.Logger("test")
    logger.addHandler(logging.StreamHandler(out))
    logger.warning("%s %r", value, value)
    return out.getvalue()


def fail(value: Any) -> None:
    raise ValueError(value)


def raised(value: Any) -> str:
    try:
        fail(value)
    except ValueError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


class Model(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    pan: Pan


PRINTERS: dict[str, Callable[[Any], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda value: f"{value} {value!r} {value!s}",
    "percent": lambda value: "%s %r" % (value, value),  # noqa: UP031 - the old way must not leak either
    "log": log,
    "traceback with locals": raised,
    "mask": lambda value: repr(mask({"x": value})),
    "json default": lambda value: json.dumps({"x": value}, default=str),
    "orjson default": lambda value: orjson.dumps({"x": value}, default=repr).decode(),
    "list": lambda value: str([value, {"k": value}, (value,)]),
}


@pytest.mark.parametrize("name", PRINTERS)
@pytest.mark.parametrize("value", [Pan(PAN), Cvv(CVV), Secret(PAN), card()], ids=["pan", "cvv", "secret", "card"])
def test_nothing_prints_it(name: str, value: Any) -> None:
    shown = PRINTERS[name](value)
    assert PAN not in shown
    assert CVV not in shown


REFUSERS: dict[str, Callable[[Any], Any]] = {
    "pickle": pickle.dumps,
    "pickle 0": lambda value: pickle.dumps(value, protocol=0),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "json": json.dumps,
    "orjson": orjson.dumps,
}


@pytest.mark.parametrize("name", REFUSERS)
def test_what_would_copy_it_is_refused(name: str) -> None:
    with pytest.raises(TypeError) as refusal:
        REFUSERS[name](Pan(PAN))
    assert PAN not in str(refusal.value)


def test_a_card_is_not_turned_into_a_dict() -> None:
    with pytest.raises(TypeError):
        dataclasses.asdict(card())


def test_a_model_does_not_show_it() -> None:
    model = Model(pan=Pan(PAN))
    assert PAN not in repr(model)
    assert PAN not in str(model.model_dump())


def test_it_has_no_dict_and_takes_no_attribute() -> None:
    assert not hasattr(Pan(PAN), "__dict__")
    with pytest.raises(AttributeError):
        Pan(PAN).note = 1  # type: ignore[attr-defined]  # that is what is tested


def test_a_format_width_shows_nothing() -> None:
    assert f"{Pan(PAN):>30}" == "Pan(***)"


def test_reveal_is_the_way_out() -> None:
    assert Pan(PAN).reveal() == PAN
    assert (Pan(PAN).bin, Pan(PAN).last4) == ("400000", "0341")
    assert Pan(PAN) == Pan(PAN)
    assert Pan(PAN) != Pan("4242424242424242")
    assert hash(Pan(PAN)) == hash(Pan("4242424242424242"))  # a hash that says nothing about the value
