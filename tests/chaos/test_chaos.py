"""A short storm over an environment of its own: payments at a steady rate while the relay, the worker and the api die.

The long one, with Apache Kafka away for a minute: docs/chaos.md.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose.embedded import environment
from compose.embedded.shared import temporary_root
from scenarios.runner.supervisor import Containers
from scenarios.runner.surroundings import NoEnvironment
from tests.chaos.disruptions import Disruption, one_api, parse
from tests.chaos.run import Plan, main, run, table
from tests.chaos.traffic import Asked
from tests.chaos.verdict import asked_and_had

RATE, SECONDS = 10.0, 12.0


@pytest.fixture
def state() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="payera-chaos-", dir=temporary_root()))
    environment.up(folder / "state", port_base=0, owner_pid=os.getpid())
    yield folder / "state"
    environment.down(folder / "state")
    shutil.rmtree(folder)


@pytest.mark.timeout(300)
def test_payments_survive_the_death_of_relay_worker_and_api(state: Path) -> None:
    """No payment lost or doubled, every event in order on the topic, every merchant told, all books equal."""
    kills = [Disruption("relay", 1.0), Disruption("worker", 1.0), Disruption("api", 0.5)]
    plan = Plan(rate=RATE, seconds=SECONDS, kills=kills, pause_s=1.0)
    outcome = asyncio.run(run(state / "env.json", plan))
    print(table(outcome))
    assert outcome.findings == []
    assert len(outcome.traffic.asked) >= RATE * SECONDS * 0.9
    assert all(each.healthy > each.killed for each in kills)
    assert sum(outcome.traffic.broken.values()) > 0, "nobody noticed that the api was dead: it was not under load"
    figures = outcome.verdict.figures
    assert figures["money at PSPs"] == figures["money in ledger"] == figures["money of payments"] > 0
    assert figures["events"] == figures["messages on the topic"] - figures["messages repeated"]


def test_a_broker_that_keeps_nothing_is_not_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    env = '{"gateway": "", "control": "", "admin_key": "", "postgres": "", "kafka": "", "broker": "librdkafka"}'
    (tmp_path / "env.json").write_text(env, encoding="utf-8")
    with pytest.raises(NoEnvironment, match="payera up --kafka apache"):
        asyncio.run(run(tmp_path / "env.json", Plan(rate=1, seconds=1, kills=[parse("kafka=1")])))
    assert main(["--env-file", str(tmp_path / "none.json")]) == 2
    assert main(["--env-file", str(tmp_path / "env.json"), "--kill", "postgres"]) == 2
    assert "'postgres' cannot be killed; there are api" in capsys.readouterr().err


def test_one_of_several_apis_is_killed() -> None:
    both = Containers({"api": ["payera-api-1", "payera-api-2"], "kafka": ["payera-kafka-1"]})
    assert one_api(both) == Containers({"api": ["payera-api-1"], "kafka": ["payera-kafka-1"]})
    assert parse("kafka") == Disruption("kafka", 60.0)


def asked(
    number: int, kind: str = "sale", payment: str | None = None, gave_up: str | None = None, *, barred: bool = False
) -> Asked:
    return Asked(number, kind, f"r{number}", 100, 0.0, payment=payment, gave_up=gave_up, barred=barred)


@pytest.mark.parametrize(
    ("one", "rows", "finding"),
    [
        (asked(1, payment="pay_1"), {}, "r1 (sale, told pay_1) is lost"),
        (
            asked(2, payment="pay_2"),
            {"r2": [{"id": "pay_2", "status": "captured"}, {"id": "pay_3", "status": "captured"}]},
            "r2 (sale, told pay_2) is doubled: ['pay_2', 'pay_3']",
        ),
        (
            asked(3, payment="pay_3"),
            {"r3": [{"id": "pay_4", "status": "captured"}]},
            "r3: the client was told pay_3, the database has pay_4",
        ),
        (
            asked(4, payment="pay_4"),
            {"r4": [{"id": "pay_4", "status": "authorized"}]},
            "r4 (sale) ended authorized, not captured",
        ),
        (
            asked(5, payment="pay_5", gave_up="no answer"),
            {"r5": [{"id": "pay_5", "status": "captured"}]},
            "r5 (sale): no answer",
        ),
        (
            asked(6, barred=True),
            {"r7": [{"id": "pay_7", "status": "captured"}]},
            "nobody asked for r7",
        ),
    ],
)
def test_the_judge_notices(one: Asked, rows: dict[str, list[dict[str, str]]], finding: str) -> None:
    assert list(asked_and_had([one], rows, False)) == [finding]  # type: ignore[arg-type]  # rows act as records do
