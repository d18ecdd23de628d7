"""The kit's parts one by one: clock, store, journal, cards, rules, router, idempotency policies, chance."""

import random
from pathlib import Path
from typing import Any

import pytest

from simulators.kit import cards
from simulators.kit.actions import Action, BadRule, parse_actions
from simulators.kit.clock import Clock
from simulators.kit.exchange import Exchange
from simulators.kit.faults import Facts, Faults, latency_seconds, parse_rule
from simulators.kit.http import Answer
from simulators.kit.idempotency import IdempotencyPolicy, Remembered
from simulators.kit.journal import Journal
from simulators.kit.routing import Route, Router
from simulators.kit.rules import parse_rules
from simulators.kit.store import Store

KEY = b"k" * 32


async def nothing() -> None:
    """Always quiet."""


# -- clock
async def test_an_advance_does_what_is_due_in_order_and_shows_each_due_time() -> None:
    clock, seen = Clock(), []
    start = clock.now()

    def note(name: str) -> None:
        seen.append((name, round(clock.now() - start)))

    clock.after(30, lambda: note("c"))
    clock.after(10, lambda: (note("a"), clock.after(5, lambda: note("b")))[0])
    clock.after(99, lambda: note("never"))
    canceled = clock.after(20, lambda: note("canceled"))
    canceled.cancel()
    assert await clock.advance(40, nothing) == 3
    assert seen == [("a", 10), ("b", 15), ("c", 30)]
    assert round(clock.now() - start) == 40
    assert clock.pending() == 1
    with pytest.raises(ValueError, match="only goes forward"):
        await clock.advance(-1, nothing)
    clock.clear()
    assert (clock.pending(), clock.offset) == (0, 0)


async def test_equal_due_times_keep_their_order() -> None:
    clock, seen = Clock(), []
    due = clock.now() + 5
    for number in range(10):
        clock.at(due, lambda n=number: seen.append(n))
    await clock.advance(6, nothing)
    assert seen == list(range(10))


async def test_a_past_due_time_does_not_turn_the_clock_back() -> None:
    clock, seen = Clock(), []
    before = clock.now()
    clock.at(before - 100, lambda: seen.append(clock.now()))
    await clock.advance(1, nothing)
    assert seen[0] >= before


# -- store
def test_a_rollback_leaves_nothing_and_reads_are_copies() -> None:
    store = Store({"things": ("owner",)})
    store.begin()
    store.put("things", {"id": "t1", "owner": "a", "n": 1})
    store.commit()
    found = store.get("things", "t1")
    assert found is not None
    found["n"] = 99
    assert store.get("things", "t1") == {"id": "t1", "owner": "a", "n": 1}
    store.begin()
    store.put("things", {"id": "t1", "owner": "b"})
    store.put("things", {"id": "t2", "owner": "b"})
    store.delete("things", "t1")
    assert [thing["id"] for thing in store.find("things", "owner", "b")] == ["t2"]
    store.rollback()
    assert store.find("things", "owner", "b") == []
    assert store.find("things", "owner", "a") == [{"id": "t1", "owner": "a", "n": 1}]
    with pytest.raises(RuntimeError, match="only inside a transaction"):
        store.put("things", {"id": "t3"})
    store.begin()
    with pytest.raises(RuntimeError, match="open already"):
        store.begin()


def test_find_by_index_and_by_scan_agree() -> None:
    indexed, plain = Store({"things": ("owner",)}), Store()
    for store in (indexed, plain):
        store.begin()
        for number in range(9):
            store.put("things", {"id": f"t{number}", "owner": number % 3})
        store.put("things", {"id": "t4", "owner": 0})
        store.delete("things", "t3")
        store.commit()
    for owner in range(4):
        assert {t["id"] for t in indexed.find("things", "owner", owner)} == {
            t["id"] for t in plain.find("things", "owner", owner)
        }
    assert indexed.ids("things", newest_first=True)[0] == "t8"


def test_the_journal_holds_money_only() -> None:
    journal = Journal()
    for wrong in (-1, 1.5, True, "4200"):
        with pytest.raises(ValueError, match="not a movement of money"):
            journal.add("charge", at="t", amount=wrong, currency="EUR", object_id="ch_1")  # type: ignore[arg-type]  # on purpose
    journal.add("charge", at="t", amount=1, currency="eur", object_id="ch_1")
    assert journal.entries == []
    journal.commit()
    journal.add("void", at="t", amount=1, currency="EUR", object_id="v")
    journal.rollback()
    journal.add("refund", at="t", amount=1, currency="EUR", object_id="re_1", parent="ch_1")
    journal.commit()
    assert [(entry["seq"], entry["kind"], entry["currency"]) for entry in journal.entries] == [
        (1, "charge", "EUR"),
        (2, "refund", "EUR"),
    ]


# -- cards
@pytest.mark.parametrize(
    ("number", "brand"),
    [
        ("4242424242424242", "visa"),
        ("5555555555554444", "mastercard"),
        ("2223003122003222", "mastercard"),
        ("378282246310005", "amex"),
        ("6011111111111117", "discover"),
        ("3566002020360505", "jcb"),
        ("36227206271667", "diners"),
        ("6200000000000005", "unionpay"),
    ],
)
def test_brands(number: str, brand: str) -> None:
    assert cards.luhn_valid(number)
    assert cards.brand(number) == brand


def test_what_is_kept_of_a_card_does_not_hold_the_number() -> None:
    kept = cards.remember(KEY, "4242424242424242", 1, 2030, "A. Shopper")
    assert "4242424242424242" not in str(kept)
    assert kept["fingerprint"] == cards.fingerprint(KEY, "4242424242424242")
    assert kept["fingerprint"] != cards.fingerprint(b"x", "4242424242424242")
    assert cards.mask("/v1/4242424242424242/x?n=378282246310005") == "/v1/424242******4242/x?n=378282*****0005"
    assert not cards.luhn_valid("4242424242424241")
    assert not cards.luhn_valid("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢")


# -- rules
RULES: dict[str, Any] = {
    "declines": {"insufficient_funds": {"iso": "51", "message": "No money"}, "lost_card": {"iso": "41"}},
    "triggers": [
        {"when": {"email": "lost@example.com"}, "then": {"action": "decline", "code": "lost_card"}},
        {"when": {"pan": "4000000000009995"}, "then": {"action": "decline", "code": "51"}},
        {"when": {"amount": 77}, "then": {"action": "outcome", "name": "challenge", "data": {"version": "2.2.0"}}},
        {"when": {"header": {"X-Mock": "LOST"}}, "then": {"action": "decline", "code": "41"}},
    ],
    "lifecycle": {"refund": {"after": 60}, "payout": "manual"},
}


def test_the_first_trigger_wins_whatever_it_is_found_by() -> None:
    rules = parse_rules(RULES, KEY)
    card = cards.fingerprint(KEY, "4000000000009995")
    everything = Facts("authorize", amount=77, fingerprint=card, email="lost@example.com")
    assert rules.decide(everything, {}).source == "trigger_1"
    assert rules.decide(Facts("authorize", amount=77, fingerprint=card), {}).source == "trigger_2"
    assert rules.decide(Facts("authorize", amount=77), {"x-mock": "LOST"}).source == "trigger_3"
    assert rules.decide(Facts("authorize", amount=78), {"x-mock": "LOST"}).source == "trigger_4"
    assert rules.decide(Facts("authorize", amount=78), {}).actions == ()
    assert rules.decline("51") is rules.decline("insufficient_funds")
    assert rules.decline("41").message == "lost_card"
    assert (rules.lifecycle["refund"].seconds, rules.lifecycle["payout"].looks) == (60, 0)


@pytest.mark.parametrize(
    ("raw", "wrong"),
    [
        ([], "a mapping with declines"),
        ({"magic": []}, "unknown section magic"),
        ({"declines": {51: {}}}, "must be quoted"),
        ({"declines": {"a": {"iso": 5}}}, "iso must be quoted"),
        ({"triggers": [{"then": "rate_limit"}, {"then": "boom"}]}, r"triggers\[2\]: then: unknown action 'boom'"),
        ({"declines": {"a": {}}, "triggers": [{"then": {"action": "decline", "code": "b"}}]}, "unknown code 'b'"),
        ({"triggers": [{"then": "rate_limit", "times": 1}]}, "always acts the same"),
        ({"triggers": [{"then": "connection_refused"}]}, "always acts the same"),
        ({"lifecycle": {"refund": {"after": -1}}}, "lifecycle: immediate"),
    ],
)
def test_a_rules_file_that_cannot_be_meant_is_refused(raw: Any, wrong: str) -> None:
    with pytest.raises(BadRule, match=wrong):
        parse_rules(raw, KEY)


def decide(faults: Faults, key: str | None) -> bool:
    return bool(faults.decide(Facts("authorize"), {}, key, lambda rule, fired: None).actions)


def test_times_counts_keys_and_after_skips_the_first_ones() -> None:
    faults = Faults()
    faults.add(parse_rule({"then": "rate_limit", "times": 2, "after": 1}, "f1", KEY))
    assert [decide(faults, key) for key in ("a", "b", "b", "a", "c", "d", "c")] == [
        False,  # a: skipped by after
        True,  # b: the first
        True,  # b again: the same key meets the same fault
        False,
        True,  # c: the second
        False,  # d: used up
        True,
    ]
    assert faults.rules[0].fired == 4


def test_requests_without_a_key_are_all_different() -> None:
    faults = Faults()
    faults.add(parse_rule({"then": "rate_limit", "times": 2}, "f1", KEY))
    assert [decide(faults, None) for _ in range(4)] == [True, True, False, False]


def test_a_used_up_rule_lets_the_next_one_act() -> None:
    faults = Faults()
    faults.add(parse_rule({"then": "rate_limit", "times": 1}, "f1", KEY))
    faults.add(parse_rule({"then": "truncated_body"}, "f2", KEY))
    chosen = [faults.decide(Facts("authorize"), {}, key, lambda r, f: None).source for key in "abc"]
    assert chosen == ["f1", "f2", "f2"]


def test_probability_repeats_from_its_seed_and_survives_a_restart() -> None:
    def fresh() -> Faults:
        faults = Faults()
        faults.add(parse_rule({"then": "rate_limit", "probability": 0.3, "seed": 5}, "f1", KEY))
        return faults

    whole, broken = fresh(), fresh()
    expected = [decide(whole, str(number)) for number in range(40)]
    assert 4 < sum(expected) < 20
    met = [(str(number), decide(broken, str(number))) for number in range(20)]
    restarted = Faults()
    restarted.add(parse_rule(broken.rules[0].durable(), "f1", KEY))
    for key, acted in met:
        restarted.rules[0].recall(key, acted)
    assert [acted for _, acted in met] + [decide(restarted, str(number)) for number in range(20, 40)] == expected


def test_latency_is_fixed_uniform_or_lognormal() -> None:
    def draws(**parameters: Any) -> list[float]:
        [action] = parse_actions({"action": "latency", **parameters})
        source = random.Random(1)
        return [latency_seconds(action, source) for _ in range(4000)]

    assert set(draws(seconds=0.5)) == {0.5}
    uniform = draws(min=1, max=3)
    assert 1 <= min(uniform) < 1.05
    assert 2.95 < max(uniform) <= 3
    lognormal = draws(mean=2, sigma=0.5)
    assert sum(lognormal) / len(lognormal) == pytest.approx(2, rel=0.05)
    assert set(draws(mean=0, sigma=1)) == {0.0}


def test_an_action_shows_itself_with_its_defaults() -> None:
    assert [a.view() for a in parse_actions(["server_error", {"action": "webhook_duplicate", "times": 4}])] == [
        {"action": "server_error", "status": 500, "commit": False},
        {"action": "webhook_duplicate", "times": 4},
    ]
    assert isinstance(parse_actions("rate_limit")[0], Action)


# -- routing
def handler(x: Exchange) -> Answer:
    raise AssertionError("not called here")


def test_a_literal_segment_goes_before_a_parameter() -> None:
    search, one, capture = (
        Route("GET", path, handler) for path in ("/v1/a/search", "/v1/a/{id}", "/v1/a/{id}/capture")
    )
    post = Route("POST", "/v1/a/{name}", handler)
    router = Router((one, search, capture, post))
    assert router.find("GET", "/v1/a/search") == (search, {}, True)
    assert router.find("GET", "/v1/a/x1") == (one, {"id": "x1"}, True)
    assert router.find("POST", "/v1/a/x1") == (post, {"name": "x1"}, True), "names belong to the route, not to the path"
    assert router.find("GET", "/v1/a/search/capture") == (capture, {"id": "search"}, True)
    assert router.find("DELETE", "/v1/a/x1") == (None, {}, True)
    assert router.find("GET", "/v1/a") == (None, {}, False)
    assert router.find("GET", "/v1/a//capture") == (None, {}, False)
    with pytest.raises(ValueError, match="two routes for GET"):
        Router((one, one))


# -- idempotency
@pytest.mark.parametrize(
    ("keeps", "kept"),
    [
        # executed 200, 402; answered 500 instead of an executed 200; answered 500 with nothing executed
        ("answered", [200, 402, 500, 500]),
        ("success", [200, None, None, None]),
        ("executed", [200, 402, 200, None]),
    ],
)
def test_what_a_policy_keeps(keeps: Any, kept: list[int | None]) -> None:
    policy = IdempotencyPolicy(keeps=keeps)
    good, declined, broken = Answer(200), Answer(402), Answer(500)
    cases = [(good, None), (declined, None), (good, broken), (None, broken)]
    stored = [policy.keep(executed, answered) for executed, answered in cases]
    assert [None if answer is None else answer.status for answer in stored] == kept


def test_a_remembered_key_comes_back_from_the_log_as_it_was() -> None:
    answer = Answer(402, '{"ü": 1.50}'.encode(), {"x": "y"}, "application/json")
    remembered = Remembered("f", answer, "ch_1", 5.0)
    assert Remembered.read(remembered.entry("k")) == ("k", remembered)


def test_every_folder_has_an_init() -> None:
    root = Path(__file__).parents[3] / "simulators"
    folders = [path for path in root.rglob("*") if path.is_dir() and path.name != "__pycache__"]
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []
