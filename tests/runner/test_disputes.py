"""The runner's judgement of disputes: a story that holds, each way to break it, the steps that providers can make."""

import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from scenarios.runner import automata
from scenarios.runner.evidence import Dispute, Entry, Evidence, Posting
from scenarios.runner.invariants import disputes, judge
from scenarios.runner.language import load_packs
from scenarios.runner.topic import Message
from tests.runner.evidence import delivery, entry, post, right

Change = Callable[[Evidence], Evidence]
TOLD = [("needs_response", "dispute.opened"), ("under_review", "dispute.updated"), ("won", "dispute.won")]


def disputed(told: list[tuple[str, str]] | None = None) -> Evidence:
    """The right books with a dispute of `pay_2`: the bank took 30.00 at dummypay and gave it back, the PSP its fee."""
    evidence = right()
    [payment] = [one for one in evidence.payments if one.id == "pay_2"]
    by = next(one for one in evidence.operations if one.id == "att_2")
    before: Posting = next(one for one in evidence.ledger if one.payment == "pay_2")
    ledger = list(evidence.ledger)
    moves = (
        ("chargeback", -3000, "merchant:disputed"),
        ("dispute_fee", -1500, "merchant:fees"),
        ("chargeback_reversed", 3000, "merchant:disputed"),
        ("dispute_fee_reversed", 1500, "merchant:fees"),
    )
    for n, (kind, amount, other) in enumerate(moves, 1):
        before = dataclasses.replace(post("pay_2", before, kind, by, amount, other), id=f"ltx_dsp_1_{n}")
        ledger.append(before)
    events = [row for row in evidence.events if row["subject"] == payment.id]
    view = events[-1]["data"]["payment"]
    more: list[dict[str, Any]] = [
        {
            "id": f"evt_dsp_{n}",
            "type": kind,
            "subject": "pay_2",
            "sequence": len(events) + n,
            "data": {"payment": view, "dispute": {"id": "dsp_1", "status": status}},
        }
        for n, (status, kind) in enumerate(TOLD if told is None else told, 1)
    ]
    lines = [bank(4, "chargeback"), bank(5, "chargeback_reversed")]
    seen = [one for one in evidence.messages if one.partition == 1]
    [endpoint] = evidence.endpoints
    received = (*endpoint.received, *(delivery(row) for row in more))
    return dataclasses.replace(
        evidence,
        ledger=ledger,
        events=[*evidence.events, *more],
        messages=[*evidence.messages, *(Message(1, 100 + len(seen) + n, "pay_2", row) for n, row in enumerate(more))],
        journals={**evidence.journals, "dummypay": [*evidence.journals["dummypay"], *lines]},
        endpoints=[dataclasses.replace(endpoint, received=received)],
        disputes=[Dispute("dsp_1", "pay_2", "dummypay", "won", 3000, "EUR")],
    )


def bank(seq: int, kind: str) -> Entry:
    return dataclasses.replace(entry(seq, kind, 3000, "dp_1", "pay_2", "psp_att_2"), reference=None)


def stored(**fields: Any) -> Change:
    return lambda evidence: dataclasses.replace(
        evidence, disputes=[dataclasses.replace(one, **fields) for one in evidence.disputes]
    )


def without(kind: str) -> Change:
    return lambda evidence: dataclasses.replace(
        evidence, journals={name: [e for e in lines if e.kind != kind] for name, lines in evidence.journals.items()}
    )


def risked(evidence: Evidence) -> Evidence:
    changed = [dataclasses.replace(one, amount_disputed=3000 * (one.id == "pay_2")) for one in evidence.payments]
    return dataclasses.replace(evidence, payments=changed)


def test_a_dispute_that_is_told_posted_and_over_breaks_nothing() -> None:
    assert judge(disputed()) == []
    assert disputes.cells(disputed()) == Counter(
        {
            ("dummypay", "new", "needs_response"): 1,
            ("dummypay", "needs_response", "under_review"): 1,
            ("dummypay", "under_review", "won"): 1,
        }
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (stored(status="lost"), "INV-10: dispute dsp_1 is won by the events, lost as stored"),
        (risked, "INV-10: disputed are 0 by its disputes, 3000 as stored"),
        (without("chargeback"), "INV-04: chargeback EUR 30.00 at dummypay: the ledger has 1 more"),
        (without("chargeback_reversed"), "INV-04: chargeback_reversed EUR 30.00 at dummypay: the ledger has 1 more"),
    ],
    ids=["status", "amount", "chargeback", "reversal"],
)
def test_what_does_not_fit_is_named(change: Change, said: str) -> None:
    assert said in [str(violation) for violation in judge(change(disputed()))]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([TOLD[0], ("accepted", "dispute.accepted"), TOLD[2]], "INV-08: dispute dsp_1 went from accepted to won"),
        ([TOLD[1], TOLD[2]], "INV-08: dispute dsp_1 went from new to under_review"),
        ([TOLD[0], ("won", "dispute.updated")], "INV-08: needs_response to won of dsp_1 was told as dispute.updated"),
        ([TOLD[0], TOLD[0], TOLD[2]], "INV-08: needs_response to needs_response of dsp_1 was told as dispute.opened"),
    ],
    ids=["edge", "beginning", "name", "opened twice"],
)
def test_only_the_automatons_steps_in_their_own_words(told: list[tuple[str, str]], said: str) -> None:
    assert said in [str(violation) for violation in judge(disputed(told))]


def test_the_table_is_closed_and_everything_declared_is_in_it() -> None:
    assert set().union(*disputes.DISPUTE.values()) | {"new"} == set(disputes.DISPUTE)
    declared = automata.declared("disputes")
    assert all(after in disputes.DISPUTE[before] for _, before, after in declared)
    # One provider makes every step there is, so nothing of the automaton is dead.
    every = {(before, after) for before, following in disputes.DISPUTE.items() for after in following}
    assert {(before, after) for provider, before, after in declared if provider == "dummypay"} == every


def test_what_a_run_did_not_make_is_named() -> None:
    made = Counter(dict.fromkeys(automata.declared("disputes"), 1))
    assert automata.holes("disputes", made) == []
    assert f"{len(made)} of {len(made)} steps" in automata.summary("disputes", made)
    del made[("stripe", "under_review", "won")]
    assert automata.holes("disputes", made) == [("stripe", "under_review", "won")]
    assert automata.summary("disputes", made).endswith("not: stripe under_review → won")
    made[("stripe", "won", "lost")] += 1
    assert automata.surprises("disputes", made) == [("stripe", "won", "lost")]


def test_only_a_run_of_the_whole_pack_is_judged_by_its_steps() -> None:
    whole = load_packs([automata.pack()])
    assert automata.judge(whole[1:], [disputed()]) == ([], [])
    lines, missing = automata.judge(whole, [disputed()])
    assert lines[0].startswith("disputes: 3 of ")
    of_disputes = [one for one in missing if one.message.startswith("disputes:")]
    assert len(of_disputes) == len(automata.declared("disputes")) - 3
