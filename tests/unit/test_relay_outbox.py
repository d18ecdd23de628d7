"""The relay's round with a store and a stream that fail on purpose: what is sent, in which order, what is marked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from gateway.domain.errors import StoreUnavailable
from gateway.use_cases.ports import Json
from gateway.use_cases.relay_outbox import Message, Relayed, RelayOutbox, relay_outbox
from tests.unit.fakes import FakeClock


@dataclass
class Outbox:
    rows: list[Json]
    marked: list[Any] = field(default_factory=list)

    async def system(self, function: str, p: Json) -> Any:
        if function == "outbox_claim_v1":
            return self.rows
        assert function == "outbox_sent_v1"
        assert (p["relay"], p["cluster"]) == ("r1", "c1")
        self.marked += p["ids"]
        return {"sent": len(p["ids"])}

    async def call(self, function: str, merchant: str, p: Json) -> Any:
        raise AssertionError(f"the relay calls no function of a merchant: {function}, {merchant}, {p}")


@dataclass
class Stream:
    """Acknowledges everything but the events in `lost`. `waves` is what was handed over together."""

    lost: frozenset[int] = frozenset()
    waves: list[list[int]] = field(default_factory=list)
    takes_s: float = 0
    clock: FakeClock = field(default_factory=FakeClock)
    cluster: str = "c1"

    async def publish(self, messages: Sequence[Message]) -> list[bool]:
        numbers = [orjson.loads(message.value)["n"] for message in messages]
        self.waves.append(numbers)
        self.clock.monotonic += self.takes_s
        return [number not in self.lost for number in numbers]


class Quiet:
    def __init__(self) -> None:
        self.reached: list[str] = []

    async def reach(self, name: str) -> None:
        self.reached.append(name)


def row(number: int, payment: str, sequence: int) -> Json:
    return {"id": number, "payment_id": payment, "sequence": sequence, "event": {"n": number}}


ROWS = [row(1, "a", 1), row(2, "b", 1), row(3, "a", 2), row(4, "b", 2), row(5, "a", 3)]


async def relay(outbox: Outbox, stream: Stream) -> Relayed:
    return await relay_outbox(outbox, stream, orjson.dumps, stream.clock, Quiet(), RelayOutbox("r1", lease_s=10))


async def test_payments_go_side_by_side_and_each_in_order() -> None:
    outbox, stream = Outbox(ROWS), Stream()
    assert await relay(outbox, stream) == Relayed(claimed=5, sent=5)
    assert stream.waves == [[1, 2], [3, 4], [5]]
    assert outbox.marked == [1, 2, 3, 4, 5]


async def test_nothing_of_a_payment_follows_what_was_not_acknowledged() -> None:
    outbox, stream = Outbox(ROWS), Stream(lost=frozenset({3}))
    done = await relay(outbox, stream)
    assert not done.complete
    assert stream.waves == [[1, 2], [3, 4]]
    assert outbox.marked == [1, 2, 4]


async def test_nothing_is_handed_over_late_in_the_lease() -> None:
    outbox, stream = Outbox(ROWS), Stream(takes_s=3)
    assert await relay(outbox, stream) == Relayed(claimed=5, sent=4)
    assert stream.waves == [[1, 2], [3, 4]]


async def test_what_was_acknowledged_is_marked_even_if_the_next_wave_breaks() -> None:
    outbox, stream = Outbox(ROWS), Stream()

    class Breaking(Stream):
        async def publish(self, messages: Sequence[Message]) -> list[bool]:
            if stream.waves:
                raise StoreUnavailable
            return await stream.publish(messages)

    with pytest.raises(StoreUnavailable):
        await relay(outbox, Breaking())
    assert outbox.marked == [1, 2]


async def test_an_empty_outbox_asks_nothing_of_the_stream() -> None:
    outbox, stream = Outbox([]), Stream()
    assert await relay(outbox, stream) == Relayed(claimed=0, sent=0)
    assert (stream.waves, outbox.marked) == ([], [])
