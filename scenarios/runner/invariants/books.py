"""The money: PSP journals against the gateway's operations and its ledger (INV-01 to INV-06)."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from scenarios.runner.evidence import NO_HASH, Entry, Evidence, Operation, Violation
from scenarios.runner.invariants import disputes
from scenarios.runner.money import Money

KINDS = {
    "authorize": {"authorize", "charge"},
    "capture": {"capture"},
    "void": {"void"},
    "refund": {"refund"},
}
"""Which journal lines a successful operation of each kind leaves at the PSP."""

BY_THE_BANK = frozenset(disputes.BY_THE_BANK)
"""Journal lines that no operation of the gateway asked for: the shopper's bank moved the money."""

SUCCEEDED = frozenset({"approved", "reversed"})

FAILED_LATER = {"capture_failed": "capture", "refund_failed": "refund"}
"""Journal lines that take back what an operation had moved, and the kind of that operation."""

EXPIRED = "expired"
"""The code of a void that nobody asked for: the PSP let the hold run out."""


@dataclass(slots=True)
class Chain:
    """One authorization or charge at a PSP and what followed from it; amounts in minor units."""

    provider: str
    first: Entry
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    charged_back: int = 0
    voided: bool = False
    lapsed: bool = False

    @property
    def live(self) -> bool:
        """Whether the shopper's money is taken or held by it."""
        return self.captured > self.refunded + self.charged_back or (
            self.captured == 0 and self.authorized > 0 and not self.voided and not self.lapsed
        )


def chains(evidence: Evidence) -> list[Chain]:
    """Journal lines joined to the authorization or charge that they follow from, by the PSP's own object ids."""
    found: list[Chain] = []
    for provider, entries in evidence.journals.items():
        by_object: dict[str, Chain] = {}
        for entry in entries:
            if entry.kind == "decline":
                continue
            chain = by_object.get(entry.parent or entry.object) or by_object.get(entry.object)
            if chain is None:
                chain = Chain(provider, entry)
                found.append(chain)
            by_object[entry.object] = chain
            if entry.parent:
                by_object.setdefault(entry.parent, chain)
            _add(chain, entry)
    return found


def _add(chain: Chain, entry: Entry) -> None:
    match entry.kind:
        case "authorize":
            chain.authorized += entry.amount
        case "charge":
            chain.authorized += entry.amount
            chain.captured += entry.amount
        case "capture":
            chain.captured += entry.amount
        case "refund":
            chain.refunded += entry.amount
        case "chargeback":  # the shopper has the money, as after a refund
            chain.charged_back += entry.amount
        case "chargeback_reversed":
            chain.charged_back -= entry.amount
        case "capture_failed":
            chain.captured -= entry.amount
        case "refund_failed":
            chain.refunded -= entry.amount
        case "void" if entry.code == EXPIRED:
            chain.lapsed = True
        case "void":
            chain.voided = True
        case _:
            raise ValueError(f"the journal of {chain.provider} has a line of unknown kind {entry.kind!r}")


def no_double_charge(evidence: Evidence) -> Iterator[Violation]:
    """INV-01: over all PSPs a payment has at most one authorization or charge that stands.

    One whose place a re-authorization took does not count where money was captured of it: that money is the payment's,
    and its rest runs out. Where nothing was, it must be gone like any other.
    """
    superseded = {operation.id for operation in evidence.operations if operation.superseded_by is not None}
    live: dict[str | None, list[Chain]] = defaultdict(list)
    for chain in chains(evidence):
        if chain.live and not (chain.captured and chain.first.reference in superseded):
            live[chain.first.payment].append(chain)
    for payment, standing in live.items():
        if len(standing) > 1:
            listing = ", ".join(f"{chain.first} at {chain.provider} ({chain.first.object})" for chain in standing)
            yield Violation("INV-01", f"charged {len(standing)} times: {listing}", payment)


def no_lost_approval(evidence: Evidence) -> Iterator[Violation]:
    """INV-02: whatever a PSP approved is known to the gateway, with amount, currency and PSP reference, or reversed."""
    operations = {operation.id: operation for operation in evidence.operations}
    reviewed = evidence.under_review()
    failed_later = {entry.object for _, entry in evidence.entries() if entry.kind in FAILED_LATER}
    undone = {id(chain.first) for chain in chains(evidence) if not chain.live and chain.first.kind != "refund"}
    for provider, entry in evidence.entries():
        if entry.kind == "decline" or entry.kind in BY_THE_BANK or entry.code == EXPIRED:
            continue
        if entry.kind in FAILED_LATER:
            yield from _taken_back(entry, operations.get(entry.reference or ""), provider)
            continue
        operation = operations.get(entry.reference or "")
        at = f"{entry} at {provider} ({entry.object})"
        if entry.reference in reviewed or (
            id(entry) in undone and (operation is None or operation.status not in SUCCEEDED)
        ):
            continue
        if operation is None:
            yield Violation("INV-02", f"{at} belongs to no operation of the gateway: {entry.reference}", entry.payment)
            continue
        if operation.status not in SUCCEEDED and entry.object not in failed_later:
            yield Violation(
                "INV-02", f"{at} was approved, the gateway has {operation.id} as {operation.status}", operation.payment
            )
        yield from _same(entry, operation, provider, at)


def _taken_back(entry: Entry, operation: Operation | None, provider: str) -> Iterator[Violation]:
    """What failed afterwards at a PSP is no success of the gateway any more."""
    if operation is not None and operation.kind == FAILED_LATER[entry.kind] and operation.status == "approved":
        yield Violation(
            "INV-02",
            f"{entry} at {provider} ({entry.object}): the gateway still has {operation.id} as approved",
            operation.payment,
        )


def _same(entry: Entry, operation: Operation, provider: str, at: str) -> Iterator[Violation]:
    pairs = {
        "provider": (provider, operation.provider),
        "amount": (entry.amount, operation.amount),
        "currency": (entry.currency.upper(), operation.currency),
        "payment": (entry.payment, operation.payment),
    }
    if entry.kind == "void":
        del pairs["amount"]  # a PSP releases what is left; the gateway's void has the amount of the authorization
    if operation.kind in {"authorize", "refund"} and operation.status in SUCCEEDED:
        pairs["PSP reference"] = (entry.object, operation.provider_reference)
    for what, (theirs, ours) in pairs.items():
        if theirs != ours:
            yield Violation(
                "INV-02",
                f"{at}: {what} is {theirs} at the PSP, {ours} at the gateway ({operation.id})",
                operation.payment,
            )


def no_phantom(evidence: Evidence) -> Iterator[Violation]:
    """INV-03: every success of the gateway has exactly one approval of the right kind in that PSP's journal."""
    lines: Counter[tuple[str, str]] = Counter()
    for provider, entry in evidence.entries():
        for kind, names in KINDS.items():
            if entry.kind in names:
                lines[(f"{provider} {kind}", entry.reference or "")] += 1
    lapsed = {
        (provider, entry.payment)
        for provider, entry in evidence.entries()
        if entry.kind == "void" and entry.code == EXPIRED
    }
    for operation in evidence.operations:
        if operation.status not in SUCCEEDED:
            continue
        count = lines[(f"{operation.provider} {operation.kind}", operation.id)]
        if not count and operation.kind == "void" and (operation.provider, operation.payment) in lapsed:
            continue  # released by its time already: what was asked for is so
        if count != 1:
            yield Violation(
                "INV-03",
                f"{operation.kind} {operation.id} is {operation.status}, {operation.provider} approved {count} such",
                operation.payment,
            )


def journal_is_ledger(evidence: Evidence) -> Iterator[Violation]:
    """INV-04: money moved at a PSP, line by line, is what the ledger posted against that PSP: a full join.

    The rows are joined by operation, which proves count and sum per PSP and currency at once. Days are not compared:
    a scenario may move a PSP's clock.
    """
    yield from disputes.bank_is_ledger(evidence)
    signs = {"charge": 1, "capture": 1, "refund": -1, "capture_failed": -1, "refund_failed": 1}
    moved: Counter[tuple[str, str, str]] = Counter()
    posted: Counter[tuple[str, str, str]] = Counter()
    for provider, entry in evidence.entries():
        if entry.kind in signs:
            moved[(provider, entry.currency.upper(), entry.reference or "")] += signs[entry.kind] * entry.amount
    for posting in evidence.ledger:
        if posting.kind in disputes.FEES or posting.kind in BY_THE_BANK:
            continue
        for line in posting.lines:
            if line.account.startswith("psp:"):
                provider = line.account.split(":")[1]
                posted[(provider, line.currency, posting.operation or "")] += line.amount
    payments = {operation.id: operation.payment for operation in evidence.operations}
    reviewed = evidence.under_review()
    for row in sorted(moved.keys() | posted.keys()):
        if moved[row] != posted[row] and row[2] not in reviewed:
            provider, currency, reference = row
            yield Violation(
                "INV-04",
                f"{provider} moved {Money(moved[row], currency)} for {reference or 'no operation'}, "
                f"the ledger posted {Money(posted[row], currency)}",
                payments.get(reference),
            )


def ledger_adds_up(evidence: Evidence) -> Iterator[Violation]:
    """INV-05: every transaction adds up to zero per currency, and the hash chain of every payment is unbroken."""
    total: Counter[str] = Counter()
    previous: dict[str, str] = {}
    for posting in evidence.ledger:
        sums: Counter[str] = Counter()
        for line in posting.lines:
            sums[line.currency] += line.amount
        total.update(sums)
        for currency, amount in sums.items():
            if amount != 0:
                yield Violation(
                    "INV-05", f"ledger transaction {posting.id} is off by {Money(amount, currency)}", posting.payment
                )
        if len(posting.lines) < 2:
            yield Violation("INV-05", f"ledger transaction {posting.id} has fewer than two lines", posting.payment)
        before = previous.get(posting.payment, NO_HASH)
        if posting.previous_hash != before:
            yield Violation(
                "INV-05",
                f"ledger transaction {posting.id} names {posting.previous_hash:.12} before it, not {before:.12}",
                posting.payment,
            )
        if posting.recomputed() != posting.hash:
            yield Violation(
                "INV-05",
                f"ledger transaction {posting.id} was changed: its lines do not give its hash",
                posting.payment,
            )
        previous[posting.payment] = posting.hash
    for currency, amount in total.items():
        if amount != 0:
            yield Violation("INV-05", f"the whole ledger is off by {Money(amount, currency)}")


def within_limits(evidence: Evidence) -> Iterator[Violation]:
    """INV-06: captured ≤ authorized, refunded ≤ captured, void xor capture: at the PSPs and at the gateway."""
    for chain in chains(evidence):
        currency, payment = chain.first.currency.upper(), chain.first.payment
        at = f"{chain.first.object} at {chain.provider}"
        if chain.captured > chain.authorized:
            yield Violation(
                "INV-06",
                f"{at}: captured {Money(chain.captured, currency)} of {Money(chain.authorized, currency)} authorized",
                payment,
            )
        if chain.refunded > chain.captured:
            yield Violation(
                "INV-06",
                f"{at}: refunded {Money(chain.refunded, currency)} of {Money(chain.captured, currency)} captured",
                payment,
            )
        if chain.voided and chain.captured:
            yield Violation("INV-06", f"{at}: voided and captured", payment)
    for row in evidence.payments:
        amounts = (row.amount_refunded, row.amount_captured, row.amount_authorized, row.amount)
        if list(amounts) != sorted(amounts):
            words = ("refunded", "captured", "authorized", "asked for")
            listing = " ≤ ".join(
                f"{word} {Money(amount, row.currency)}" for word, amount in zip(words, amounts, strict=True)
            )
            yield Violation("INV-06", f"the gateway's amounts are out of order: {listing}", row.id)
        if min(amounts) < 0:
            yield Violation("INV-06", "the gateway has a negative amount", row.id)
