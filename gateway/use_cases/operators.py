"""What an operator does, written down with who did it: resolve a review, wake a workflow, close an alert, read audit.

An operator knows ids, not merchants: whose they are is looked up first. What is refused is written down as well, since
an attempt is an action too (PCI DSS 10.2.2: success or failure).
"""

from dataclasses import dataclass, field
from typing import Literal

from gateway.domain.errors import NotFound, PayeraError
from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.ports import Clock, Json, Ports, Store

Action = Literal["approved", "declined", "absent", "look_again", "acknowledge"]
_EVENTS = 5
"""payment_apply_v1 may need four; the fifth says that the review is resolved."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts: a name that the operator's key vouches for, and where the request came from."""

    name: str
    origin: str

    def facts(self, clock: Clock) -> Json:
        """As every audited function takes them."""
        return {"operator": self.name, "origin": self.origin, "at": clock.now().isoformat()}


@dataclass(frozen=True, slots=True)
class ResolveReview:
    """`action`: what became of the operation, that the PSP is to be asked again, or that it was seen. `amount`: what
    was really moved, in minor units, where it is not what was asked. `evidence`: what the operator goes by.
    """

    operator: Operator
    operation_id: str
    action: Action
    evidence: str
    provider_reference: str | None = None
    amount: int | None = None
    confirmed_by: str | None = None
    event_ids: list[str] = field(default_factory=lambda: [new_id("evt") for _ in range(_EVENTS)])
    order_id: str = field(default_factory=lambda: new_id("ord"))


@use_case
async def resolve_review(ports: Ports, system: Store, command: ResolveReview) -> Json:
    """Apply the operator's word by the rules of every other outcome, and audit it, in one commit.

    Returns `{review, payment, operation, workflow}`. Raises `NotFound` (`operation_not_found`), `Conflict`
    (`review_not_open`), `Refused` (`action_not_possible`, `provider_reference_missing`, `amount_…`).
    """
    p: Json = command.operator.facts(ports.clock) | {
        "operation_id": command.operation_id,
        "action": command.action,
        "evidence": command.evidence,
        "event_ids": command.event_ids,
        "order_id": command.order_id,
    }
    optional = {
        "provider_reference": command.provider_reference,
        "amount": command.amount,
        "confirmed_by": command.confirmed_by,
    }
    p |= {name: value for name, value in optional.items() if value is not None}
    owner = await system.system("owner_lookup_v1", {"operation_id": command.operation_id})
    try:
        if owner is None:
            raise NotFound("operation_not_found", "No such operation.")
        resolved: Json = await ports.store.call("review_resolve_v1", owner["merchant"], p)
    except PayeraError as refusal:
        await system.system(
            "audit_add_v1",
            command.operator.facts(ports.clock)
            | {
                "action": f"review.{command.action}",
                "result": refusal.code,
                "subject": command.operation_id,
                "why": command.evidence,
            }
            | ({} if owner is None else {"merchant": owner["merchant"], "payment_id": owner["payment_id"]}),
        )
        raise
    return resolved


@use_case
async def wake_payment(ports: Ports, system: Store, operator: Operator, payment_id: str, why: str) -> Json:
    """Order the payment's workflow: the plan follows from the database, so it can hurt nothing. Raises `NotFound`."""
    p = operator.facts(ports.clock) | {"payment_id": payment_id, "order_id": new_id("ord"), "why": why}
    woken: Json = await system.system("payment_wake_v1", p)
    return woken


@use_case
async def close_alert(ports: Ports, system: Store, operator: Operator, alert_id: str, why: str) -> Json:
    """Say that an alert was dealt with. Raises `NotFound`, `Conflict` (`alert_not_open`)."""
    p = operator.facts(ports.clock) | {"alert_id": alert_id, "why": why}
    closed: Json = await system.system("alert_close_v1", p)
    return closed


@use_case
async def read_audit(ports: Ports, system: Store, operator: Operator, filters: Json) -> Json:
    """A page of the audit; that it was read stands in it from now on."""
    facts = operator.facts(ports.clock)
    p = filters | {"by": facts["operator"], "origin": facts["origin"], "at": facts["at"]}
    found: Json = await system.system("audit_list_v1", p)
    return found


@use_case
async def operator_timeline(ports: Ports, system: Store, payment_id: str) -> Json:
    """A payment's timeline with what operators did. Raises `NotFound`."""
    owner = await system.system("owner_lookup_v1", {"payment_id": payment_id})
    if owner is None:
        raise NotFound("payment_not_found", "No such payment.")
    story: Json = await ports.store.call(
        "payment_timeline_v1", owner["merchant"], {"payment_id": payment_id, "operator": True}
    )
    return story
