"""The journal: the money this account moved, in order, never changed: the second source of truth."""

from typing import Any, Literal, get_args

Kind = Literal[
    "authorize", "charge", "capture", "void", "refund", "decline", "chargeback", "chargeback_reversed",
    "capture_failed", "refund_failed",
]  # fmt: skip
KINDS: frozenset[str] = frozenset(get_args(Kind))
Entry = dict[str, Any]


class Journal:
    """Entries `{seq, at, kind, amount, currency, object, parent, reference, payment, code?}`.

    `at` is the account's time, ISO 8601. `amount` is in minor units, `currency` upper-case ISO 4217, `object` the
    PSP's id of what moved, `parent` the id of the object it moved from (the charge of a refund), `reference` the
    gateway's operation id and `payment` its payment id, as the connector stored them at the PSP. `charge` is authorized
    and captured at once; `decline` moves no money; a raised hold is one more `authorize` of what was added, with the
    first one as parent. `chargeback` is taken by the shopper's bank, `chargeback_reversed` comes back after a won
    dispute. `capture_failed` and `refund_failed` take back what a capture or refund had moved: the scheme or the bank
    refused it afterwards. A `void` with the code `expired` is the PSP's own: the hold ran out.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.staged: list[Entry] = []

    def add(
        self,
        kind: Kind,
        *,
        at: str,
        amount: int,
        currency: str,
        object_id: str,
        parent: str | None = None,
        reference: str | None = None,
        payment: str | None = None,
        code: str | None = None,
    ) -> None:
        """Stage an entry; it stands once the transaction commits. Raises ValueError for what cannot be money."""
        if kind not in KINDS or type(amount) is not int or amount < 0:
            raise ValueError(f"not a movement of money: {kind} {amount!r}")
        entry: Entry = {
            "seq": len(self.entries) + len(self.staged) + 1,
            "at": at,
            "kind": kind,
            "amount": amount,
            "currency": currency.upper(),
            "object": object_id,
            "parent": parent,
            "reference": reference,
            "payment": payment,
        }
        if code is not None:
            entry["code"] = code
        self.staged.append(entry)

    def commit(self) -> None:
        """Make the staged entries stand."""
        self.entries.extend(self.staged)
        self.staged = []

    def rollback(self) -> None:
        """Drop the staged entries."""
        self.staged = []

    def clear(self) -> None:
        """Forget everything (an account's reset)."""
        self.entries.clear()
        self.staged = []
