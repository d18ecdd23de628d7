"""The invariants: small functions over evidence, yielding precise violations, run after every scenario unasked."""

from collections.abc import Callable, Iterable, Iterator

from scenarios.runner.evidence import Evidence, Violation
from scenarios.runner.invariants import automata, books, clients, stream

Invariant = Callable[[Evidence], Iterator[Violation]]

INVARIANTS: dict[str, Invariant] = {
    "INV-01": books.no_double_charge,
    "INV-02": books.no_lost_approval,
    "INV-03": books.no_phantom,
    "INV-04": books.journal_is_ledger,
    "INV-05": books.ledger_adds_up,
    "INV-06": books.within_limits,
    "INV-08": automata.legal_transitions,
    "INV-09": stream.complete_stream,
    "INV-10": automata.rebuilt_state,
    "INV-11": clients.same_key_same_answer,
    "INV-14": stream.merchants_told,
    "RET-06": automata.one_at_a_time,
}
"""By the ids that the requirements use."""


def judge(evidence: Evidence) -> list[Violation]:
    """All violations in one merchant's evidence, by invariant."""
    return [violation for invariant in INVARIANTS.values() for violation in invariant(evidence)]


def judge_all(everything: Iterable[Evidence]) -> list[Violation]:
    """Once over all merchants of a run: each one again, and that nothing of one shows up at another (INV-17)."""
    violations: list[Violation] = []
    owner: dict[str, str] = {}
    gathered = list(everything)
    for evidence in gathered:
        violations += judge(evidence)
        for payment in evidence.payments:
            owner[payment.id] = evidence.merchant
    for evidence in gathered:
        seen = {entry.payment for _, entry in evidence.entries() if entry.payment}
        seen |= {str(message.event.get("subject")) for message in evidence.messages}
        seen |= {str(one.event.get("subject")) for endpoint in evidence.endpoints for one in endpoint.received}
        for subject in sorted(seen):
            whose = owner.get(subject, evidence.merchant)
            if whose != evidence.merchant:
                violations.append(Violation("INV-17", f"{evidence.merchant} saw a payment of {whose}", subject))
    return violations
