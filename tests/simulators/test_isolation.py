"""Two accounts of one simulator, fifty pairs at once: nothing of the one is seen by the other.

Each pair runs in a thread of its own. The first account has a fault that refuses every payment, a clock an hour ahead
and requests of its own; the second pays meanwhile, through the examples of the simulator's OpenAPI document.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from simulators.kit.examples import Examples
from simulators.kit.serving import discover
from tests.simulators.fuzzing import Playground

PAIRS, AT_ONCE = 50, 10
Json = dict[str, Any]


@pytest.fixture(scope="module")
def playground() -> Iterator[Playground]:
    running = Playground()
    yield running
    running.close()


def about(examples: Examples, method: str, path: str, body: Any = None) -> Any:
    """Ask the control plane about the account of these examples."""
    status, answer = examples.control(method, path, body)
    assert 200 <= status < 300, answer
    return answer


def pay_call(document: Json) -> tuple[str, str]:
    """The operation that pays: the first that rules know as authorize and that needs nothing before it."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if operation.get("x-payera-operation") == "authorize" and "x-payera-first" not in operation:
                return method.upper(), path
    raise AssertionError("no operation pays")


def seen(examples: Examples) -> Json:
    """What the control plane knows of an account."""
    return {
        "journal": about(examples, "GET", "/journal")["entries"],
        "requests": about(examples, "GET", "/requests")["requests"],
        "faults": about(examples, "GET", "/faults")["faults"],
        "offset": about(examples, "GET", "/clock")["offset_s"],
    }


def one_pair(document: Json, accounts: tuple[Json, Json], control: str, number: int) -> list[str]:
    """One run; returns what one account saw of the other."""
    broken, sound = (Examples(document, account, control) for account in accounts)
    call = pay_call(document)
    about(broken, "POST", "/faults", {"when": {"operation": "authorize"}, "then": "rate_limit"})
    about(broken, "POST", "/clock", {"advance_s": 3600})
    times = 1 + number % 3
    statuses: dict[str, list[int]] = {"broken": [], "sound": []}
    for _ in range(times):
        statuses["broken"].append(broken.perform(*call)[0])
        statuses["sound"].append(sound.perform(*call)[0])
    statuses["sound"].append(sound.perform(*call)[0])
    theirs, ours = seen(broken), seen(sound)
    wrong = []
    if statuses["broken"] != [429] * times or not all(200 <= status < 300 for status in statuses["sound"]):
        wrong.append(f"statuses {statuses}")
    if theirs["journal"] or theirs["offset"] < 3600 or [one["fired"] for one in theirs["faults"]] != [times]:
        wrong.append(f"the broken one has {theirs}")
    if ours["faults"] or ours["offset"] != 0 or not ours["journal"]:
        wrong.append(f"the sound one has faults, a moved clock or no money: {ours}")
    if (len(theirs["requests"]), len(ours["requests"])) != (times, times + 1):
        wrong.append(f"{len(theirs['requests'])} and {len(ours['requests'])} requests, not {times} and {times + 1}")
    return wrong


@pytest.mark.parametrize("slug", discover())
def test_fifty_pairs_see_nothing_of_each_other(playground: Playground, slug: str) -> None:
    document = playground.document(slug)
    pairs = [(playground.account(slug), playground.account(slug)) for _ in range(PAIRS)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        work = [pool.submit(one_pair, document, pair, playground.control, number) for number, pair in enumerate(pairs)]
        failures = [f"pair {number}: {what}" for number, done in enumerate(work) for what in done.result(300)]
    assert not failures, "\n".join(failures)
    accounts = [playground.group.worlds[slug].accounts[one["account"]] for pair in pairs for one in pair]
    owners: dict[tuple[str, str], str] = {}
    for account in accounts:
        for collection, objects in account.store.dump().items():
            for item in objects if not collection.startswith("kit.") else ():
                owner = owners.setdefault((collection, item["id"]), account.id)
                assert owner == account.id, f"{collection} {item['id']} is in {owner} and in {account.id}"
    lines = [{entry["object"] for entry in account.journal.entries} for account in accounts]
    assert sum(map(len, lines)) == len(set().union(*lines)), "a line of one journal speaks of another's object"
