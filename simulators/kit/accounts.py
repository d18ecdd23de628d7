"""Accounts and worlds. A world is one running simulator; all that can be seen or broken belongs to an account.

An account is what one API key opens: objects, journal, clock, faults, notifications, ids. There are no implicit
accounts: a key that nobody created is refused in the PSP's own way.
"""

import asyncio
import hashlib
import random
import secrets
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulators.kit import lifecycle
from simulators.kit.actions import BadRule
from simulators.kit.cards import card_key
from simulators.kit.clock import Clock
from simulators.kit.door import Door
from simulators.kit.faults import NO_FAULT, Decision, Facts, Faults, Rule, parse_rule
from simulators.kit.idempotency import Remembered
from simulators.kit.journal import Journal
from simulators.kit.log import Log
from simulators.kit.replay import replay
from simulators.kit.routing import Route
from simulators.kit.rules import load_rules
from simulators.kit.spec import SimulatorSpec
from simulators.kit.store import Store
from simulators.kit.webhooks import Sender, Webhooks

ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LETTERS_FOR_SIGNS = bytes.maketrans(b"+/", b"Xx")
REQUESTS_KEPT = 10_000


def iso(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Transaction:
    """What a commit writes beside objects and journal: keys to remember, and what to do once it stands."""

    __slots__ = ("after", "remembered")

    def __init__(self) -> None:
        self.remembered: list[tuple[str, Remembered]] = []
        self.after: list[Callable[[], None]] = []


class Account:
    """One merchant at one simulated PSP. `credentials` holds at least `api_key` and `webhook_secret`.

    `settings` is what a client of this PSP must know besides (see `SimulatorSpec.new_credentials`); often nothing.
    """

    def __init__(self, world: "World", account_id: str, credentials: Mapping[str, Any], seed: int) -> None:
        self.world = world
        self.id = account_id
        self.settings: dict[str, str] = dict(credentials.get("settings", {}))
        self.credentials: dict[str, str] = {key: value for key, value in credentials.items() if key != "settings"}
        self.seed = seed
        self.store = Store(dict(world.spec.dialect.indexes))
        self.journal = Journal()
        self.clock = Clock()
        self.faults = Faults()
        self.random = random.Random(seed)  # noqa: S311 - chance of faults, to be repeated from a seed
        self.webhooks = Webhooks(self)
        self.remembered: dict[str, Remembered] = {}
        self.in_flight: set[str] = set()
        self.hidden: dict[str, float] = {}
        self.requests: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT)
        self.door_port: int | None = None  # of this run or the one before
        self.door: Door | None = None
        self._moving = asyncio.Lock()
        self.lifecycle: dict[str, lifecycle.Mode] = dict(world.rules.lifecycle)
        self.ids_given = 0
        self._requests_seen = 0
        self._open: Transaction | None = None

    @property
    def api_key(self) -> str:
        return self.credentials["api_key"]

    @property
    def webhook_secret(self) -> str:
        return self.credentials["webhook_secret"]

    # -- ids and time
    def new_id(self, prefix: str = "", length: int = 24, alphabet: str = ALPHANUMERIC) -> str:
        """The account's next id: `prefix` and `length` characters that depend on the seed and the count alone.

        The count is in the log with every commit, so a restart never gives an id twice.
        """
        self.ids_given += 1
        digest = hashlib.shake_128(f"{self.seed}:{self.ids_given}".encode()).digest(length)
        if alphabet is ALPHANUMERIC:  # ids are a good part of a request's work: this way is eight times faster
            return prefix + b64encode(digest).translate(_LETTERS_FOR_SIGNS)[:length].decode()
        return prefix + "".join([alphabet[byte % len(alphabet)] for byte in digest])

    def now(self) -> int:
        """The account's time in whole seconds since the epoch, as most PSPs show it."""
        return int(self.clock.now())

    async def advance(self, seconds: float) -> int:
        """Move the account's clock forward by seconds, due date by due date, and after each one wait until the
        notifications it caused are delivered or have failed. Returns how many actions were done.
        """
        async with self._moving:
            self.world.write({"account": self.id, "offset": self.clock.offset + seconds})
            return await self.clock.advance(seconds, self.webhooks.quiet)

    # -- changes
    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """All or nothing: objects, journal entries and notifications commit in one write, or none of them is left.

        No `await` belongs inside: the event loop is what keeps two requests apart.
        """
        self.store.begin()
        self._open = opened = Transaction()
        ids = self.ids_given
        try:
            yield opened
            self._write(opened, ids)
        except BaseException:
            self.store.rollback()
            self.journal.rollback()
            self.webhooks.rollback()
            self._open = None
            raise
        self.store.commit()
        self.journal.commit()
        for key, what in opened.remembered:
            self.remembered[key] = what
            self._forget_old_keys()
        self._open = None
        for action in opened.after:
            action()

    def _forget_old_keys(self) -> None:
        """Drop what is past the PSP's retention; keys are in order of their first use."""
        oldest_kept = self.clock.now() - self.world.spec.dialect.idempotency.retention_s
        while self.remembered:
            key = next(iter(self.remembered))
            if self.remembered[key].at >= oldest_kept:
                return
            del self.remembered[key]

    def _write(self, opened: Transaction, ids_before: int) -> None:
        if self.world.log is None:
            return
        entry: dict[str, Any] = {"account": self.id}
        changes = self.store.changes()
        if changes:
            entry["put"] = changes
        if self.journal.staged:
            entry["journal"] = self.journal.staged
        if opened.remembered:
            entry["keys"] = [what.entry(key) for key, what in opened.remembered]
        if self.ids_given != ids_before:
            entry["ids"] = self.ids_given
        if len(entry) > 1:
            self.world.log.append(entry)

    def after_commit(self, action: Callable[[], None]) -> None:
        """Do `action` once the open transaction stands."""
        if self._open is None:
            raise RuntimeError("no transaction is open")
        self._open.after.append(action)

    def record(
        self,
        kind: Any,
        amount: int,
        currency: str,
        object_id: str,
        *,
        parent: str | None = None,
        reference: str | None = None,
        payment: str | None = None,
        code: str | None = None,
    ) -> None:
        """Write a movement of money into the journal (minor units); stands with the transaction. See `Journal.add`."""
        self.journal.add(
            kind,
            at=iso(self.clock.now()),
            amount=amount,
            currency=currency,
            object_id=object_id,
            parent=parent,
            reference=reference,
            payment=payment,
            code=code,
        )

    def notify(self, event_type: str, event_id: str, body: Mapping[str, Any] | bytes) -> None:
        """Queue a notification to every endpoint subscribed to `event_type`; it leaves after the commit."""
        self.webhooks.queue(event_type, event_id, body)

    def act(self, action: str, object_id: str, data: Mapping[str, Any]) -> None:
        """Do a movement of the dialect's `actions` by name, inside the open transaction. Raises KeyError if unknown."""
        self.world.spec.dialect.actions[action](self, object_id, data)

    def mode(self, resource: str) -> lifecycle.Mode:
        """How that kind of resource moves in this account: its own setting, else `rules.yaml`, else immediate."""
        return self.lifecycle.get(resource, lifecycle.IMMEDIATE)

    def set_lifecycle(self, modes: Mapping[str, Any]) -> None:
        """How resources of these kinds move from now on (see `lifecycle.parse_mode`); durable. Raises BadRule."""
        self.lifecycle |= {resource: lifecycle.parse_mode(mode) for resource, mode in modes.items()}
        self.world.write({"account": self.id, "lifecycle": dict(modes)})

    # -- faults
    def add_fault(self, raw: Any) -> Rule:
        """Set a fault; raises BadRule. The rule is durable, with the keys it has met."""
        rule = parse_rule(raw, f"fault_{secrets.token_hex(6)}", self.world.card_key)
        self.world.rules.check(rule)
        if rule.then[0].phase == "door" and self.door is None:
            raise BadRule("connection_refused needs an account with a door: create it with door: true")
        self.faults.add(rule)
        self.world.write({"account": self.id, "fault": [rule.id, rule.durable()]})
        self._let_expire(rule)
        self.mind_door()
        return rule

    def remove_faults(self, rule_id: str | None = None) -> int:
        """Take back one fault, or all. Returns how many there were."""
        gone = self.faults.remove(rule_id)
        for rule in gone:
            self.world.write({"account": self.id, "no_fault": rule.id})
        self.mind_door()
        return len(gone)

    def _let_expire(self, rule: Rule) -> None:
        if rule.then[0].phase == "door" and rule.then[0]["seconds"] is not None:
            self.clock.after(rule.then[0]["seconds"], lambda: self._expire(rule.id))

    def _expire(self, rule_id: str) -> None:
        self.remove_faults(rule_id)

    def rearm(self) -> None:
        """After a restart: everything that waits is on the clock again; a door's refusal begins its seconds anew."""
        lifecycle.rearm(self)
        self.webhooks.rearm()
        for rule in self.faults.rules:
            self._let_expire(rule)
        self.clock.fire()

    def decide(self, facts: Facts, headers: Mapping[str, str], key: str | None) -> Decision:
        """What shall happen to a request: the account's faults first, then the PSP's magic values."""
        if self.faults.rules:
            decision = self.faults.decide(facts, headers, key, lambda rule, acted: self._met(rule, key, acted))
            if decision is not NO_FAULT:
                return decision
        return self.world.rules.decide(facts, headers)

    def _met(self, rule: Rule, key: str | None, acted: bool) -> None:
        self.world.write({"account": self.id, "met": [rule.id, key, acted]})

    def mind_door(self) -> None:
        """Open or shut the account's door as its faults say. At once: the next connection already meets it."""
        if self.door is not None:
            self.door.set(not any(rule.then[0].phase == "door" for rule in self.faults.rules))

    # -- the requests log
    def log_request(self, line: dict[str, Any]) -> None:
        """Add a line to the requests log (in memory, the last ten thousand); `at` stays a number until it is shown."""
        self._requests_seen += 1
        self.requests.append({"seq": self._requests_seen, "at": self.clock.now(), **line})

    def forget(self) -> None:
        """Back to the first day: no objects, journal, faults, keys, notifications; the clock shows real time.

        The endpoint set by the control plane stays, as the account's credentials do. Ids go on counting.
        """
        endpoint = self.webhooks.own_endpoint()
        self.clock.clear()
        self.webhooks.clear()
        self.store.clear()
        self.journal.clear()
        self.remembered.clear()
        self.in_flight.clear()
        self.hidden.clear()
        self.requests.clear()
        self.random.seed(self.seed)
        self.lifecycle = dict(self.world.rules.lifecycle)
        self.faults.remove()
        self.mind_door()
        if endpoint is not None:
            with self.transaction():
                self.webhooks.put_endpoint(endpoint)


class World:
    """One running simulator: its accounts, its rules, its log (None: nothing is kept), its way out."""

    def __init__(self, spec: SimulatorSpec, state: Path | None = None, sender: Sender | None = None) -> None:
        self.spec = spec
        self.slug = spec.slug
        self.card_key = card_key(state)
        self.rules = load_rules(spec.folder / "rules.yaml", self.card_key)
        self.sender = sender or Sender()
        self.accounts: dict[str, Account] = {}
        self.by_key: dict[str, Account] = {}
        self.url = ""  # set once the port is known
        self.routes: tuple[Route, ...] = ()  # what its applications serve: known once it is built
        self.stopping = asyncio.Event()
        self.log: Log | None = None
        if state is not None:
            log = Log(state / f"{spec.slug}.jsonl")
            for entry in log.read():
                self._replay(entry)
            self.log = log

    def create(self, credentials: Mapping[str, Any] | None = None, seed: int | None = None) -> Account:
        """A new account; whatever `credentials` leaves out is invented from `seed` (drawn if not given).

        `settings` in it replace invented ones one by one. Raises ValueError if the API key is taken.
        """
        seed = secrets.randbits(48) if seed is None else seed
        invented = self.spec.new_credentials(random.Random(seed))  # noqa: S311 - repeatable on purpose
        complete = {**invented, **{key: value for key, value in (credentials or {}).items() if value}}
        settings = {**invented.get("settings", {}), **complete.get("settings", {})}
        if settings:
            complete["settings"] = settings
        if complete["api_key"] in self.by_key:
            raise ValueError("an account with this API key exists")
        account = Account(self, f"acct_{secrets.token_hex(8)}", complete, seed)
        self.write({"account": account.id, "create": complete, "seed": seed})
        self._keep(account)
        return account

    def delete(self, account: Account) -> None:
        """Close an account: its key is unknown from now on."""
        account.forget()
        if account.door is not None:
            account.door.close()
        del self.accounts[account.id]
        del self.by_key[account.api_key]
        self.write({"account": account.id, "delete": True})

    def reset(self, account: Account) -> None:
        """See `Account.forget`."""
        self.write({"account": account.id, "reset": True})
        account.forget()

    def write(self, entry: dict[str, Any]) -> None:
        """Append to the log, if one is kept."""
        if self.log is not None:
            self.log.append(entry)

    def begin_serving(self) -> None:
        """Once the event loop runs: put what was waiting back on the clocks and into the queues."""
        for account in self.accounts.values():
            account.rearm()

    def close_doors(self) -> None:
        """Give the accounts' own ports back."""
        for account in self.accounts.values():
            if account.door is not None:
                account.door.close()
                account.door = None

    def close(self) -> None:
        """Stop what runs on clocks and in queues, and close the log."""
        self.stopping.set()
        for account in self.accounts.values():
            account.clock.halt()
            account.webhooks.halt()
        if self.log is not None:
            self.log.close()

    def _keep(self, account: Account) -> None:
        self.accounts[account.id] = account
        self.by_key[account.api_key] = account

    def _replay(self, entry: Mapping[str, Any]) -> None:
        account = self.accounts.get(entry["account"])
        if "create" in entry:
            self._keep(Account(self, entry["account"], entry["create"], entry["seed"]))
        elif account is None:
            return
        elif "delete" in entry:
            del self.accounts[account.id]
            del self.by_key[account.api_key]
        elif "reset" in entry:
            account.forget()
        else:
            replay(account, entry)
