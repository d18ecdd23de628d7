"""The middle of every money request: begin, send once, apply, answer. One call each way, no transaction in between.

begin   one commit: idempotency key, intent, reservation; a crash from here on leaves a record of what was meant
send    the PSP, under the fence
apply   one commit: outcome, ledger, events, the frozen answer
answer  or, if something outlives the request, the workflow's first answer, up to the budget
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Any, Literal

from gateway.domain.errors import Conflict, PayeraError, StoreUnavailable
from gateway.use_cases.dispatch import apply_outcome, send_operation
from gateway.use_cases.ports import Json, Ports

CREATED = 201
ACCEPTED = 202
OPEN = frozenset({"dispatched", "unknown", "pending", "requires_action"})
"""Statuses of an operation whose result is still to come by itself."""

_POLL_FIRST_S = 0.02
_POLL_LAST_S = 0.25

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """`scope` is method and path; `fingerprint` the keyed hash of the body without CVV."""

    scope: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What leaves: an HTTP status of the contract, the view, and whether it is a replay of an earlier answer."""

    status: int
    view: Any
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One money request: which begin function, its arguments, and which resource the answer shows."""

    merchant: str
    begin: str
    p: Json
    shows: Literal["payment", "refund"]
    idempotency: IdempotencyKey | None = None


async def operate(ports: Ports, request: Request) -> Answer:
    """Run one money request to its answer. Raises the refusals of the begin function, and `Conflict` with code
    `idempotency_in_progress` when an equal request is still under way after the budget.
    """
    if request.idempotency is None:
        return await _begin(ports, request, _nobody_waits)
    flight = (request.merchant, request.idempotency.scope, request.idempotency.key)
    with ports.flights.board(flight) as landed:
        return await _begin(ports, request, landed)


_nobody_waits = asyncio.Event()


async def _begin(ports: Ports, request: Request, landed: asyncio.Event) -> Answer:
    began_s = ports.clock.monotonic_s()
    deadline_s = began_s + ports.timing.answer_budget_s
    p = request.p | {"at": ports.clock.now().isoformat()} | ports.timing.lease()
    key = request.idempotency
    if key is not None:
        p["idempotency"] = {"scope": key.scope, "key": key.key, "fingerprint": key.fingerprint}
    await ports.failpoints.reach("begin.before", request.merchant)
    begun = await ports.store.call(request.begin, request.merchant, p)
    await ports.failpoints.reach("begin.after", request.merchant)
    match begun["result"]:
        case "begun":
            try:
                return await _send_and_apply(ports, request, begun, began_s, deadline_s)
            finally:
                landed.set()
        case "recorded":
            # A cancel while an attempt is live: the intent stands, the workflow acts on it once the attempt is known.
            # Between two attempts it is canceled at once.
            landed.set()
            status = CREATED if begun["payment"]["status"] == "canceled" else ACCEPTED
            return Answer(status, begun[request.shows])
        case _:
            if key is None:
                raise ValueError(f"{request.begin} answered {begun['result']} without an idempotency key")
            return await _replay(ports, request, key, begun, landed, deadline_s)


async def _send_and_apply(ports: Ports, request: Request, begun: Json, began_s: float, deadline_s: float) -> Answer:
    dispatch: Json = begun["dispatch"]
    outcome = await send_operation(ports, request.merchant, dispatch, began_s)
    key = request.idempotency
    answers = None if key is None else {"scope": key.scope, "key": key.key, "status": CREATED}
    try:
        applied = await apply_outcome(ports, request.merchant, dispatch, outcome, source="inline", answers=answers)
    except StoreUnavailable:
        # The PSP has answered and we could not write it down: not a failure. Recovery claims the operation after its
        # lease and asks the PSP again; until then the state is what the database says, or what begin said.
        _log.warning("apply failed, left to recovery", extra={"operation": dispatch["operation_id"]})
        return Answer(ACCEPTED, await _reread_or(ports, request, begun))
    if applied["workflow"] and _is_open(request, applied):
        budget_s = max(0.05, deadline_s - ports.clock.monotonic_s())
        operation_id: str = dispatch["operation_id"]
        await ports.workflows.first_answer(request.merchant, dispatch["payment_id"], operation_id, budget_s)
        return await _current(ports, request, dispatch["payment_id"], dispatch["operation_id"])
    view = await _view_of(ports, request, applied, dispatch["operation_id"])
    return Answer(ACCEPTED if _is_open(request, applied) else CREATED, view)


def _is_open(request: Request, applied: Json) -> bool:
    """Whether what was asked for is still to come: the payment for a payment, the operation for everything else."""
    if request.begin == "payment_begin_v1":
        return bool(applied["payment"]["status"] == "processing")
    return applied["operation"]["status"] in OPEN


async def _view_of(ports: Ports, request: Request, applied: Json, operation_id: str) -> Any:
    if request.shows in applied:
        return applied[request.shows]
    return await ports.store.call("refund_get_v1", request.merchant, {"refund_id": operation_id})


async def _current(ports: Ports, request: Request, payment_id: str, operation_id: str | None) -> Answer:
    """The answer as the database has it now."""
    if request.shows == "refund":
        refund = await ports.store.call("refund_get_v1", request.merchant, {"refund_id": operation_id})
        return Answer(ACCEPTED if refund["status"] == "pending" else CREATED, refund)
    payment = await ports.store.call("payment_get_v1", request.merchant, {"payment_id": payment_id})
    if request.begin == "payment_begin_v1" or operation_id is None:  # a recorded cancel has no operation of its own
        return Answer(ACCEPTED if payment["status"] == "processing" else CREATED, payment)
    operations = await ports.store.call("payment_operations_v1", request.merchant, {"payment_id": payment_id})
    live = any(entry["id"] == operation_id and entry["status"] in OPEN for entry in operations["data"])
    return Answer(ACCEPTED if live else CREATED, payment)


async def _reread_or(ports: Ports, request: Request, begun: Json) -> Any:
    try:
        return (await _current(ports, request, begun["dispatch"]["payment_id"], begun["dispatch"]["operation_id"])).view
    except PayeraError:
        return begun[request.shows]


async def _replay(
    ports: Ports, request: Request, key: IdempotencyKey, begun: Json, landed: asyncio.Event, deadline_s: float
) -> Answer:
    """Answer as the first request with this key was answered; while it is under way, wait without a connection."""
    if begun["state"] == "frozen":
        return Answer(begun["status"], begun["body"], replayed=True)
    row = await _wait_for_landing(ports, request, key, landed, deadline_s)
    if row["state"] == "frozen":
        return Answer(row["status"], row["body"], replayed=True)
    # Open: the first answer was `processing`; a replay shows the state as it is now.
    answer = await _current(ports, request, row["payment_id"], row.get("operation_id"))
    return Answer(answer.status, answer.view, replayed=True)


async def _wait_for_landing(
    ports: Ports, request: Request, key: IdempotencyKey, landed: asyncio.Event, deadline_s: float
) -> Any:
    """Poll the key's row until the first request was answered. The event of this process makes the first poll timely;
    if the row is in flight even after it, the first sender failed to write and recovery will.
    """
    pause_s = _POLL_FIRST_S
    woken = False
    while True:
        row = await ports.store.call("idempotency_get_v1", request.merchant, {"scope": key.scope, "key": key.key})
        if row is not None and row["state"] != "in_flight":
            return row
        left_s = deadline_s - ports.clock.monotonic_s()
        if left_s <= 0 or row is None:
            raise Conflict("idempotency_in_progress", "a request with this idempotency key is still under way")
        pause_s = min(pause_s * 2, _POLL_LAST_S)
        if woken:
            await asyncio.sleep(min(pause_s, left_s))
            continue
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(pause_s, left_s)):
                await landed.wait()
        woken = landed.is_set()
