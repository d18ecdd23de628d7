"""Disputes: the runner's own table of what may follow what, and the bank's money (INV-04, INV-08, INV-10)."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from scenarios.runner.evidence import Evidence, Row, Violation
from scenarios.runner.money import Money

DISPUTE: dict[str, set[str]] = {
    "new": {"inquiry", "needs_response"},
    "inquiry": {"needs_response", "closed"},
    "needs_response": {"under_review", "won", "lost", "accepted", "closed"},
    "under_review": {"won", "lost", "pre_arbitration"},
    "pre_arbitration": {"won", "lost", "accepted"},
    "won": {"pre_arbitration"},
    "lost": {"won", "pre_arbitration"},
    "accepted": set(),
    "closed": set(),
}
"""From a dispute's status to the ones that may follow; `new` is before the first."""

EVENT_OF = {status: f"dispute.{status}" for status in ("won", "lost", "accepted", "closed")}
"""What is told of a step to a status; a first step is `dispute.opened`, any other `dispute.updated`."""

AT_RISK = {"needs_response", "under_review", "pre_arbitration", "lost", "accepted"}
"""Statuses in which the amount counts as disputed."""

BY_THE_BANK = {"chargeback": -1, "chargeback_reversed": 1}
"""Lines of journals, and kinds of postings, with what the PSP owes by them."""

FEES = {"dispute_fee", "dispute_fee_reversed"}
"""Postings that no journal has: what a PSP keeps for itself is in its settlement files."""


def steps(events: list[Row]) -> dict[str, list[tuple[str, str]]]:
    """Per dispute every status that its payment's events tell, with the type of the event."""
    found: dict[str, list[tuple[str, str]]] = {}
    for event in events:
        if "dispute" in event["data"]:
            view = event["data"]["dispute"]
            found.setdefault(view["id"], []).append((view["status"], event["type"]))
    return found


def cells(evidence: Evidence) -> Counter[tuple[str, str, str]]:
    """How often a dispute at each provider went from one status to another: (provider, from, to)."""
    provider = {one.id: one.provider for one in evidence.disputes}
    seen: Counter[tuple[str, str, str]] = Counter()
    for payment in evidence.payments:
        for identifier, told in steps(evidence.events_of(payment.id)).items():
            statuses = ["new", *(status for status, _ in told)]
            seen.update((provider[identifier], a, b) for a, b in pairwise(statuses) if a != b)
    return seen


def legal(evidence: Evidence) -> Iterator[Violation]:
    """INV-08: a dispute's events follow its automaton, and each is called what its step is."""
    for payment in evidence.payments:
        for identifier, told in steps(evidence.events_of(payment.id)).items():
            before = "new"
            for after, kind in told:
                if before != after and after not in DISPUTE[before]:
                    yield Violation("INV-08", f"dispute {identifier} went from {before} to {after}", payment.id)
                named = "dispute.opened" if before == "new" else EVENT_OF.get(after, "dispute.updated")
                if kind != ("dispute.updated" if before == after else named):
                    yield Violation("INV-08", f"{before} to {after} of {identifier} was told as {kind}", payment.id)
                before = after


def rebuilt(evidence: Evidence) -> Iterator[Violation]:
    """INV-10: a dispute's last event has it as it is stored; a payment's disputed amount is that of its disputes."""
    for payment in evidence.payments:
        mine = [one for one in evidence.disputes if one.payment == payment.id]
        told = steps(evidence.events_of(payment.id))
        for one in mine:
            last = told.get(one.id, [("never told of", "")])[-1][0]
            if last != one.status:
                off = f"dispute {one.id} is {last} by the events, {one.status} as stored"
                yield Violation("INV-10", off, payment.id)
        disputed = sum(one.amount for one in mine if one.status in AT_RISK)
        if disputed != payment.amount_disputed:
            yield Violation(
                "INV-10", f"disputed are {disputed} by its disputes, {payment.amount_disputed} as stored", payment.id
            )


def bank_is_ledger(evidence: Evidence) -> Iterator[Violation]:
    """INV-04: each time a bank took or gave back money, the ledger posted it, and posted nothing else as such."""
    moved: Counter[tuple[str, str, str, str, int]] = Counter()
    for provider, entry in evidence.entries():
        if entry.kind in BY_THE_BANK:
            moved[(provider, entry.kind, entry.payment or "", entry.currency.upper(), entry.amount)] += 1
    for posting in evidence.ledger:
        if posting.kind in BY_THE_BANK:
            for line in posting.lines:
                if line.account.startswith("psp:"):
                    amount = BY_THE_BANK[posting.kind] * line.amount
                    moved[(line.account.split(":")[1], posting.kind, posting.payment, line.currency, amount)] -= 1
    for (provider, kind, payment, currency, amount), off in sorted(moved.items()):
        if off:
            more = "journal" if off > 0 else "ledger"
            yield Violation(
                "INV-04",
                f"{kind} {Money(amount, currency)} at {provider}: the {more} has {abs(off)} more",
                payment or None,
            )
