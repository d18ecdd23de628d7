"""The middle of every simulator's request, the same for all:

    authenticate → parse → idempotency → fault decision → handler → commit (objects, journal, notifications)
    → answer, or lose it

Every fault of the control plane acts here, so no dialect implements one. Three of them change what the acquirer says
rather than how the wire behaves (`decline`, `pending`, `wrong_amount`); those reach the handler as `Exchange.verdict`
and `Exchange.amount`, next to the PSP's own magic values.
"""

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from simulators.kit import cards, lifecycle
from simulators.kit.accounts import Account, Transaction, World
from simulators.kit.faults import NO_FAULT, Decision, Facts, latency_seconds
from simulators.kit.http import Answer, Refusal, Request
from simulators.kit.idempotency import Remembered
from simulators.kit.routing import Route
from simulators.kit.rules import Decline
from simulators.kit.spec import Problem

_logger = logging.getLogger(__name__)
Loss = Literal["reset", "hang", "truncate"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the simulated acquirer says. `outcome`: approve, decline, pending, or a word of the dialect's own rules.

    `decline` is set for a decline. `seconds` (pending): how long until it settles as `then` says (approve, or a decline
    code); None: until somebody settles it by hand. `data` is whatever an `outcome` rule carries.
    """

    outcome: str = "approve"
    decline: Decline | None = None
    seconds: float | None = None
    then: str = "approve"
    data: Any = None

    @property
    def approved(self) -> bool:
        return self.outcome == "approve"

    def mode(self) -> lifecycle.Mode:
        """How a pending resource moves on."""
        return lifecycle.manual() if self.seconds is None else lifecycle.after(self.seconds)


APPROVE = Verdict()


class Exchange:
    """One request as a handler sees it.

    `body` is what the dialect parsed, `params` the path's parameters, `facts` what rules could match. `store`,
    `record`, `notify` and `new_id` are the account's. A handler sets `made` to the id of the object it created:
    idempotency policies that point to a resource need it.
    """

    __slots__ = (
        "account",
        "body",
        "decision",
        "facts",
        "key",
        "made",
        "new_id",
        "notify",
        "params",
        "record",
        "request",
        "route",
        "store",
        "world",
    )

    def __init__(
        self, world: World, account: Account, route: Route, params: Mapping[str, str], request: Request
    ) -> None:
        self.world = world
        self.account = account
        self.route = route
        self.params = params
        self.request = request
        self.body: dict[str, Any] = {}
        self.key: str | None = None
        self.facts = Facts(route.operation)
        self.decision: Decision = NO_FAULT
        self.made: str | None = None
        self.store = account.store
        self.record = account.record
        self.notify = account.notify
        self.new_id = account.new_id

    @property
    def amount(self) -> int:
        """The amount to move, in minor units: what was asked, unless a `wrong_amount` fault says otherwise."""
        wrong = self.decision.get("wrong_amount")
        if wrong is not None:
            return int(wrong["amount"])
        assert self.facts.amount is not None, "a route whose handler moves money states the amount in its facts"
        return self.facts.amount

    @property
    def verdict(self) -> Verdict:
        """What the acquirer says to this request, by faults first, then by magic values; approve if neither speaks."""
        for action in self.decision.actions:
            if action.word == "decline":
                found = self.world.rules.decline(action["code"])
                return Verdict("decline", decline=replace(found, advice=action["advice"]))
            if action.word == "pending":
                return Verdict("pending", seconds=action["seconds"], then=action["then"])
            if action.word == "outcome":
                return Verdict(action["name"], data=action["data"])
        return APPROVE

    def card(self, number: str, exp_month: int, exp_year: int, name: str | None = None) -> dict[str, Any]:
        """What may be kept of a card (see `cards.remember`)."""
        return cards.remember(self.world.card_key, number, exp_month, exp_year, name)

    def problem(self, kind: Problem, **detail: Any) -> Answer:
        """The dialect's own answer to an error that the kit found."""
        return self.world.spec.dialect.problem(kind, detail, self.request)


@dataclass(slots=True)
class Reply:
    """What the application does with the wire: send the answer, or lose it in a given way."""

    answer: Answer | None
    loss: Loss | None = None


async def run(world: World, route: Route, params: Mapping[str, str], request: Request) -> Reply:
    """Do one request from authentication to the reply."""
    dialect = world.spec.dialect
    if route.account is None:
        account = world.by_key.get(dialect.credential(request) or "")
    else:
        account = route.account(world, request, params)
    if account is None:
        return Reply(dialect.problem("unauthenticated", {}, request))
    x = Exchange(world, account, route, params, request)
    committed, reply = False, Reply(None)
    try:
        x.body = dialect.parse(request)
        committed, reply = await _decide(x)
    except Refusal as refused:
        reply = Reply(refused.answer)
    except Exception:  # a bug of the simulator or a full disk: nothing was committed, and the client is told so
        _logger.exception("%s %s failed", request.method, cards.mask(request.path))
        reply = Reply(dialect.problem("server_error", {"status": 500}, request))
    finally:
        _log(x, reply, committed)
    return reply


async def _decide(x: Exchange) -> tuple[bool, Reply]:
    """Idempotency, then the fault decision, then what it says. Returns whether a handler committed, and the reply."""
    account, route, dialect = x.account, x.route, x.world.spec.dialect
    fingerprint = ""
    if x.request.method in dialect.idempotency.methods:
        x.key = dialect.idempotency_key(x.request)
    if x.key is not None:
        fingerprint = _fingerprint(x)
        repeated = _repeated(x, fingerprint)
        if repeated is not None:
            return False, Reply(repeated)
    if route.facts is not None:
        x.facts = route.facts(x)
    x.decision = account.decide(x.facts, x.request.headers, x.key)
    if x.decision is NO_FAULT:
        return True, Reply(_execute(x, fingerprint))
    return await _broken(x, fingerprint)


async def _broken(x: Exchange, fingerprint: str) -> tuple[bool, Reply]:
    """A request that a rule speaks about: the actions before the commit, the commit, the actions on the answer."""
    decision = x.decision
    before = decision.phase("before")
    instead: Answer | None = None
    if before is not None:
        if before.word == "reset_before_commit":
            return False, Reply(None, "reset")
        if before.word == "rate_limit":
            return False, Reply(x.problem("rate_limited", retry_after=before["retry_after"]))
        if before.word == "commit_late":
            _commit_late(x, fingerprint, before["seconds"])
            return False, Reply(None, "hang")
        instead = x.problem("server_error", status=before["status"])
        if not before["commit"]:
            _keep_uncommitted(x, fingerprint, instead)
            return False, await _answered(x, instead)
    answer = _execute(x, fingerprint, instead)
    if decision.get("webhook_before_response") is not None:
        await x.account.webhooks.send_first()
    return True, await _answered(x, answer)


async def _answered(x: Exchange, answer: Answer) -> Reply:
    """The actions on an answer: delay, loss, damage."""
    latency = x.decision.get("latency")
    if latency is not None:
        await asyncio.sleep(latency_seconds(latency, x.account.random))
    action = x.decision.phase("answer")
    if action is None:
        return Reply(answer)
    if action.word == "commit_then_lose_response":
        return Reply(None, action["lose"])
    if action.word == "truncated_body":
        return Reply(answer, "truncate")
    # malformed_body: whole and of the announced length, but no longer what its content-type says
    return Reply(
        Answer(answer.status, b'{"' + answer.body[: len(answer.body) // 2], answer.headers, answer.content_type)
    )


def _execute(x: Exchange, fingerprint: str, instead: Answer | None = None) -> Answer:
    """Run the handler in a transaction. `instead`: the answer that goes out in place of the handler's."""
    account = x.account
    if x.route.operation == "read":
        return _read(x)
    account.webhooks.chaos = x.decision.webhook()
    try:
        with account.transaction() as opened:
            answer = x.route.handler(x)
            if x.key is not None:
                _remember(x, opened, fingerprint, answer, instead)
            hide = x.decision.get("hide_from_reads")
            if hide is not None:
                until = account.clock.now() + hide["seconds"]
                account.hidden |= {change[1]: until for change in account.store.changes()}
    finally:
        account.webhooks.chaos = ()
    return instead or answer


def _read(x: Exchange) -> Answer:
    """Reads count as looks, and do not see what is hidden from them."""
    account = x.account
    if x.route.read_id is not None:
        lifecycle.looked_at(account, x.params[x.route.read_id])
    if not account.hidden:
        return x.route.handler(x)
    now = account.clock.now()
    account.hidden = {object_id: until for object_id, until in account.hidden.items() if until > now}
    account.store.hidden = account.hidden.__contains__
    try:
        return x.route.handler(x)
    finally:
        account.store.hidden = None


def _commit_late(x: Exchange, fingerprint: str, seconds: float) -> None:
    key = x.key
    if key is not None:
        x.account.in_flight.add(key)

    def commit() -> None:
        if key is not None:
            x.account.in_flight.discard(key)
        try:
            _execute(x, fingerprint)
        except Refusal as refused:  # nobody waits for it any more, but the requests log shows it
            _log(x, Reply(refused.answer), committed=False)

    x.account.clock.after(seconds, commit)


# -- idempotency
def _fingerprint(x: Exchange) -> str:
    r = x.request
    secret = x.account.api_key.encode()[:64]
    return hashlib.blake2b(f"{r.method} {r.path}\n".encode() + r.body, key=secret, digest_size=16).hexdigest()


def _repeated(x: Exchange, fingerprint: str) -> Answer | None:
    """The answer to a key that was seen before, or None if the request is to be executed."""
    account, policy, dialect = x.account, x.world.spec.dialect.idempotency, x.world.spec.dialect
    assert x.key is not None
    if x.key in account.in_flight:
        return x.problem("key_in_use", key=x.key)
    known = account.remembered.get(x.key)
    if known is None:
        return None
    if account.clock.now() - known.at > policy.retention_s:
        del account.remembered[x.key]
        return None
    if policy.same_request and known.fingerprint != fingerprint:
        return x.problem("key_reused", key=x.key)
    if policy.repeat == "bytes":
        answer = known.answer
        if policy.replay_header is None:
            return answer
        name, value = policy.replay_header
        return Answer(answer.status, answer.body, {**answer.headers, name: value}, answer.content_type)
    assert dialect.current is not None, "a policy that does not replay bytes needs Dialect.current"
    return dialect.current(x, known)


def _remember(
    x: Exchange, opened: Transaction, fingerprint: str, executed: Answer | None, answered: Answer | None
) -> None:
    kept = x.world.spec.dialect.idempotency.keep(executed, answered)
    if kept is not None and x.key is not None:
        opened.remembered.append((x.key, Remembered(fingerprint, kept, x.made, x.account.clock.now())))


def _keep_uncommitted(x: Exchange, fingerprint: str, answered: Answer) -> None:
    """An error in place of the execution: kept under the key where the PSP keeps what it answered."""
    if x.key is not None:
        with x.account.transaction() as opened:
            _remember(x, opened, fingerprint, None, answered)


def _log(x: Exchange, reply: Reply, committed: bool) -> None:
    x.account.log_request(
        {
            "method": x.request.method,
            "path": cards.mask(x.request.path),
            "operation": x.route.operation,
            "idempotency_key": x.key,
            "reference": x.facts.reference,
            "status": None if reply.answer is None else reply.answer.status,
            "fault": x.decision.words(),
            "committed": committed and x.route.operation != "read",
            **({} if x.facts.brought is None else {"brought": dict(x.facts.brought)}),
        }
    )
