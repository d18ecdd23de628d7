"""JSON as the stored procedures speak it (docs/architecture.md, section 2) ⇄ the domain's types."""

from typing import Any

from gateway.domain.decline import RULES, DeclineReason
from gateway.domain.dispute import DisputeFact
from gateway.domain.ids import new_id
from gateway.domain.outcome import (
    Absent,
    ActionRequired,
    Approved,
    Declined,
    Expired,
    NotSent,
    Outcome,
    Pending,
    Reversed,
    Unknown,
)
from gateway.use_cases.ports import Json, ProviderAccount, ProviderCall


def outcome_to_json(outcome: Outcome) -> Json:
    """OUTCOME of the contract. Fields that are None are left out. A decline carries its retry advice with it."""
    fields: dict[str, Any] = {}
    match outcome:
        case Approved():
            fields = {
                "provider_reference": outcome.provider_reference,
                "amount": outcome.amount,
                "currency": outcome.currency,
                "captured": outcome.captured,
                "network_transaction_id": outcome.network_transaction_id,
            }
        case Declined():
            fields = {
                "reason": outcome.reason.value,
                "advice": RULES[outcome.reason].advice,
                "provider_code": outcome.provider_code,
                "provider_reference": outcome.provider_reference,
                "network_code": outcome.network_code,
                "network_advice": outcome.network_advice,
                "message": outcome.message,
            }
        case Reversed():
            fields = {
                "reason": outcome.reason.value,
                "provider_code": outcome.provider_code,
                "provider_reference": outcome.provider_reference,
                "message": outcome.message,
            }
        case Pending() | Expired():
            fields = {"provider_reference": outcome.provider_reference}
        case ActionRequired():
            fields = {"provider_reference": outcome.provider_reference, "action": outcome.action}
        case NotSent():
            fields = {"cause": outcome.cause}
        case Absent():
            pass
        case Unknown():
            fields = {
                "cause": outcome.cause,
                "provider_reference": outcome.provider_reference,
                "message": outcome.detail,
            }
    return {"kind": outcome.kind} | {name: value for name, value in fields.items() if value is not None}


def outcome_from_json(value: Json) -> Outcome:
    """The reverse of `outcome_to_json`. Raises `KeyError` or `ValueError` for what the contract does not allow."""
    match value["kind"]:
        case "approved":
            return Approved(
                provider_reference=value["provider_reference"],
                amount=value["amount"],
                currency=value["currency"],
                captured=value.get("captured", False),
                network_transaction_id=value.get("network_transaction_id"),
            )
        case "declined":
            return Declined(
                reason=DeclineReason(value["reason"]),
                provider_code=value["provider_code"],
                provider_reference=value.get("provider_reference"),
                network_code=value.get("network_code"),
                message=value.get("message"),
                network_advice=value.get("network_advice"),
            )
        case "reversed":
            return Reversed(
                reason=DeclineReason(value["reason"]),
                provider_code=value["provider_code"],
                provider_reference=value.get("provider_reference"),
                message=value.get("message"),
            )
        case "pending":
            return Pending(provider_reference=value["provider_reference"])
        case "expired":
            return Expired(provider_reference=value["provider_reference"])
        case "action_required":
            return ActionRequired(provider_reference=value["provider_reference"], action=value.get("action", {}))
        case "not_sent":
            return NotSent(cause=value["cause"])
        case "absent":
            return Absent()
        case "unknown":
            return Unknown(
                cause=value["cause"],
                provider_reference=value.get("provider_reference"),
                detail=value.get("message"),
            )
        case kind:
            raise ValueError(f"no such kind of outcome: {kind}")


def dispute_to_json(fact: DisputeFact) -> Json:
    """DISPUTE of the contract, with a fresh id for a dispute that nobody knew. Fields that are None are left out."""
    due = fact.evidence_due_at
    fields: dict[str, Any] = {
        "id": new_id("dsp"),
        "provider_reference": fact.provider_reference,
        "status": fact.status,
        "amount": fact.amount,
        "currency": fact.currency,
        "reason": fact.reason.value,
        "at": fact.at.isoformat(),
        "network_code": fact.network_code,
        "moves": fact.moves,
        "funds": fact.funds,
        "fee": fact.fee,
        "evidence_due_at": None if due is None else due.isoformat(),
    }
    return {name: value for name, value in fields.items() if value is not None}


def provider_call(
    dispatch: Json, account: ProviderAccount, *, timeout_s: float, send_by_s: float | None
) -> ProviderCall:
    """DISPATCH of the contract as a connector takes it. `account` has its credentials opened."""
    return ProviderCall(
        account=account,
        kind=dispatch["kind"],
        payment_id=dispatch["payment_id"],
        operation_id=dispatch["operation_id"],
        amount=dispatch["amount"],
        currency=dispatch["currency"],
        timeout_s=timeout_s,
        capture=bool(dispatch.get("capture", True)),
        final=bool(dispatch.get("final", True)),
        parent_reference=dispatch.get("parent_reference"),
        provider_reference=dispatch.get("provider_reference"),
        merchant_reference=dispatch.get("reference"),
        description=dispatch.get("description"),
        mcc=dispatch.get("mcc"),
        merchant_initiated=bool(dispatch.get("merchant_initiated", False)),
        network_transaction_id=dispatch.get("network_transaction_id"),
        send_by_s=send_by_s,
    )
