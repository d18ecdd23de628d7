"""The runner proves itself: scenarios that must fail, with the messages expected, against a whole environment.

Each file in `must_fail/` says in its `# must say:` comments what the runner has to complain about; it must say that
and nothing else. Then money is moved behind the gateway's back, and the invariants must notice unasked.
"""

from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from scenarios.runner import surroundings
from scenarios.runner.invariants import judge
from scenarios.runner.language import Scenario, load_file, load_text
from scenarios.runner.run import Result, connected, run
from scenarios.runner.steps import Player
from scenarios.runner.waiting import come_to_rest
from scenarios.runner.world import build

FOLDER = Path(__file__).parent / "must_fail"
FILES = sorted(FOLDER.glob("*.yaml"))
MARK = "# must say: "


@pytest.fixture(scope="session")
def around(environment: dict[str, Any]) -> surroundings.Surroundings:
    return surroundings.load(Path(environment["state"]) / "env.json")


def ignore(what: str, result: Result) -> None:
    """Nobody watches."""


async def test_scenarios_that_must_fail(around: surroundings.Surroundings) -> None:
    scenarios = [scenario for path in FILES for scenario in load_file(path)]
    assert len(scenarios) == len(FILES) >= 10
    verdict = await run(around, scenarios, seed=1, jobs=4, listener=ignore)
    assert not verdict.passed
    for result in verdict.results:
        path = result.scenario.path
        due = [line.removeprefix(MARK) for line in path.read_text().splitlines() if line.startswith(MARK)]
        said = [failure.shown(result.scenario) for failure in result.failures]
        assert due, f"{path} does not say what must be said"
        assert len(said) == len(due), f"{path}: {said}"
        for message in due:
            assert any(message in text for text in said), f"{path}: {message!r} is not in {said}"
        assert any(line.lstrip().startswith("0 ms") for line in result.story), "a failure comes with its timeline"
    assert verdict.overall == []


PLAIN = """
scenario: a payment that is left alone
given: {route: [dummypay]}
when:
  - pay: {amount: EUR 42.00, card: visa_approved}
then: {p: {status: captured}}
"""


def plain() -> Scenario:
    [scenario] = load_text(Path("plain.yaml"), PLAIN, "must_fail")
    return scenario


async def test_money_moved_behind_the_gateways_back_is_noticed(around: surroundings.Surroundings) -> None:
    async with connected(around) as hub:
        world = await build(hub, plain(), seed=1)
        await Player(world).play()
        assert await come_to_rest(world) == []
        assert judge(await world.evidence()) == []
        account, payment = world.accounts["dummypay"], await world.payment_id("p")
        body = {
            "amount": 4200,
            "currency": "EUR",
            "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2031},
            "reference": "att_unheard_of",
            "payment": payment,
        }
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {account.api_key}"}) as session,
            session.post(f"{account.url}/v1/charges", json=body) as response,
        ):
            charge = (await response.json())["id"]
        found = {violation.invariant: violation.message for violation in judge(await world.evidence())}
    assert set(found) == {"INV-01", "INV-02", "INV-04"}
    assert found["INV-01"].startswith("charged 2 times: charge EUR 42.00 at dummypay")
    assert found["INV-02"] == (
        f"charge EUR 42.00 at dummypay ({charge}) belongs to no operation of the gateway: att_unheard_of"
    )
    assert found["INV-04"] == "dummypay moved EUR 42.00 for att_unheard_of, the ledger posted EUR 0.00"


async def tamper(dsn: str, merchant: str, by: int) -> None:
    """Make both lines of every ledger transaction larger by `by`, past all guards, as only a superuser can."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("set local session_replication_role = replica")
            query = "update core.ledger_line set amount = amount + $2 * sign(amount) where merchant = $1"
            await connection.execute(query, merchant, by)
    finally:
        await connection.close()


async def test_a_ledger_line_changed_by_hand_is_noticed(around: surroundings.Surroundings) -> None:
    async with connected(around) as hub:
        world = await build(hub, plain(), seed=2)
        await Player(world).play()
        assert await come_to_rest(world) == []
        await tamper(around.postgres, world.merchant, +1)
        found = {violation.invariant for violation in judge(await world.evidence())}
        await tamper(around.postgres, world.merchant, -1)
        assert judge(await world.evidence()) == []
    assert found == {"INV-04", "INV-05"}


def test_an_environment_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(surroundings.NoEnvironment, match=r"start an environment with `make up` or `make env-up`"):
        surroundings.load(tmp_path / "env.json")
