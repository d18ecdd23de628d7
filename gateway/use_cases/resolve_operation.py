"""Look at one operation whose outcome is not known, or that a webhook spoke of, and write down what was found.

The look is claimed first: the claim raises the epoch, so the operation has one looker, and whoever sent it before can
only add evidence. What a look may prove is narrower than what a first answer proves: see `evidence`.
"""

import logging
from dataclasses import dataclass, replace

from gateway.domain.cascade import hold_to
from gateway.domain.decline import DeclineReason
from gateway.domain.errors import StoreUnavailable, VaultFailed
from gateway.domain.outcome import Absent, Approved, Declined, NotSent, Outcome, Unknown, UnknownCause
from gateway.tracing import use_case
from gateway.use_cases.dispatch import Source, apply_outcome, open_account, send_operation
from gateway.use_cases.ports import Json, Ports
from gateway.use_cases.wire import outcome_from_json, provider_call

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ResolveOperation:
    """`means` and `counts` as `resolution.Resolve` gave them."""

    merchant: str
    operation_id: str
    means: str
    counts: bool


@use_case
async def resolve_operation(ports: Ports, command: ResolveOperation) -> None:
    """Claim, look once, apply. Returns without a look when somebody else holds the lease or it is settled."""
    began_s = ports.clock.monotonic_s()
    await ports.failpoints.reach("begin.before", command.merchant)
    claimed: Json = await ports.store.call(
        "operation_claim_v1",
        command.merchant,
        {"operation_id": command.operation_id, "at": ports.clock.now().isoformat(), **ports.timing.lease()},
    )
    await ports.failpoints.reach("begin.after", command.merchant)
    if claimed["result"] != "claimed":
        return
    dispatch = claimed["dispatch"]
    source: Source
    if command.means == "webhook":
        if (told := dispatch["told"]) is None:
            return  # applied meanwhile; the claim only costs a lease
        outcome = told_outcome(told, dispatch)
        await apply_outcome(ports, command.merchant, dispatch, outcome, source="webhook", told=told)
        return
    if command.means == "idempotent_replay":
        source = "replay"
        found = await send_operation(ports, command.merchant, dispatch, began_s, replay=True)
    else:
        source = "read"
        found = await read_operation(ports, command.merchant, dispatch)
    outcome = evidence(found, replay=source == "replay", counts=command.counts)
    too_early = isinstance(found, Absent) and isinstance(outcome, Unknown)
    await apply_outcome(ports, command.merchant, dispatch, outcome, source=source, absent=too_early)


def evidence(found: Outcome, *, replay: bool, counts: bool) -> Outcome:
    """What a look proves about the operation, whose first request may have arrived whatever the look says.

    A replay that was not sent, or that was refused before it was compared with its key (a revoked credential, a rule
    that changed), says nothing about the first request. An absence counts only where the plan said so.
    """
    match found:
        case NotSent():
            return Unknown(cause="timeout", detail=f"look not sent: {found.cause}")
        case Declined() if replay and found.reason is DeclineReason.INVALID_REQUEST:
            return Unknown(cause="conflict", provider_reference=found.provider_reference, detail=found.provider_code)
        case Absent() if not counts:
            return Unknown(cause=_NOT_FOUND_YET)
        case _:
            return found


def told_outcome(told: Json, dispatch: Json) -> Outcome:
    """What a notification told, held to what was asked. `told` is OUTCOME as it was stored.

    A notification of an authorization does not say whether the PSP captured: it did if that was asked of it.
    """
    outcome = outcome_from_json(told)
    if dispatch["kind"] == "void":
        return outcome  # a void has no amount of its own
    if dispatch["kind"] == "authorize" and isinstance(outcome, Approved):
        outcome = replace(outcome, captured=bool(dispatch["capture"]))
    return hold_to(outcome, dispatch["amount"], dispatch["currency"])


_NOT_FOUND_YET: UnknownCause = "in_progress"


async def read_operation(ports: Ports, merchant: str, dispatch: Json) -> Outcome:
    """Ask the PSP what it knows of an operation. Never raises for the wire; whatever is no answer is `Unknown`."""
    try:
        connector = ports.connectors.get(dispatch["account"]["provider"])
        account = await open_account(ports, merchant, dispatch["account"])
    except (VaultFailed, StoreUnavailable, LookupError) as refusal:
        _log.error("not read: %s", type(refusal).__name__, extra={"operation": dispatch["operation_id"]})
        return Unknown(cause="timeout", detail=type(refusal).__name__)
    call = provider_call(dispatch, account, timeout_s=ports.timing.psp_timeout_s, send_by_s=None)
    try:
        found = await connector.read(call)
    except Exception as mistake:  # a connector's bug proves nothing either; its text may quote what was sent
        _log.error("connector %s failed in read: %s", connector.spec.slug, type(mistake).__name__)
        return Unknown(cause="malformed", detail=type(mistake).__name__)
    return found if dispatch["kind"] == "void" else hold_to(found, dispatch["amount"], dispatch["currency"])
