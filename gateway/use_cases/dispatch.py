"""Send one operation through its connector, under its fence; and write down what came of it.

Shared by the inline path and by the workflows' activities: whoever sends money sends it from here.
"""

import asyncio
import logging
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from gateway.domain.card import CardSecret
from gateway.domain.cascade import by_scheme, cascade_rule, hold_to, may_fall_back
from gateway.domain.decline import DeclineReason
from gateway.domain.errors import StoreUnavailable, VaultFailed
from gateway.domain.ids import new_id
from gateway.domain.outcome import ActionRequired, Approved, Declined, NotSent, Outcome, Unknown
from gateway.domain.threeds import ThreeDsProof
from gateway.use_cases.offers import hold_of
from gateway.use_cases.ports import Connector, Json, Ports, ProviderAccount, ProviderCall
from gateway.use_cases.wire import outcome_to_json, provider_call

Source = Literal["inline", "replay", "read", "webhook", "operator"]

_log = logging.getLogger(__name__)

_APPLY_TRIES = 3
_GRACE_S = 0.25
"""Beyond the connector's own total timeout: it ends first and knows more; this guard is for a connector that hangs."""


async def send_operation(
    ports: Ports, merchant: str, dispatch: Json, began_s: float, *, replay: bool = False
) -> Outcome:
    """Send what `dispatch` (DISPATCH of the contract) describes, at most once, and return what the PSP made of it.

    `began_s` is the monotonic time from BEFORE the begin or claim call that gave the dispatch: the lease, counted on
    the database's clock, cannot have begun earlier. Past `began_s + send_within_s` nothing is sent and the outcome is
    `NotSent`; a request sent at the last moment ends, by its timeout, before the lease does. A `replay` must be the
    same body again: one that held a CVV is not sent without it. Never raises for what
    the wire or the connector does: whatever is not proved is `Unknown`.
    """
    send_by_s = began_s + ports.timing.send_within_s
    account_json: Json = dispatch["account"]
    try:
        connector = ports.connectors.get(account_json["provider"])
        account = await open_account(ports, merchant, account_json)
        card, proof = None, None
        if dispatch["kind"] == "authorize":
            card = await ports.vault.open_card(merchant, dispatch["card"])
            if replay and dispatch["had_cvv"] and card.cvv is None:
                return NotSent(cause="cvv_gone")
            proof = _proof(ports, merchant, dispatch)
            if proof is None and dispatch.get("three_ds"):
                return NotSent(cause="cavv_gone")
    except (VaultFailed, StoreUnavailable, LookupError) as refusal:
        # Nothing was sent, and that is proved; fail closed (SEC-13). No traceback: it could show what the vault held.
        _log.error("not sent: %s", type(refusal).__name__, extra={"operation": dispatch["operation_id"]})
        return NotSent(cause=type(refusal).__name__)
    call = provider_call(dispatch, account, timeout_s=ports.timing.psp_timeout_s, send_by_s=send_by_s)
    call = replace(call, three_ds=proof)
    await ports.failpoints.reach("send.before", merchant)
    if ports.clock.monotonic_s() > send_by_s:
        return NotSent(cause="fenced")
    outcome = await _call_verb(connector, call, card)
    if call.merchant_initiated and isinstance(outcome, ActionRequired):
        # Nobody is there who could act: it will never be more than this.
        outcome = Declined(
            DeclineReason.AUTHENTICATION_REQUIRED, outcome.kind, provider_reference=outcome.provider_reference
        )
    await ports.failpoints.reach("receive.after", merchant)
    if dispatch["kind"] == "void":
        return outcome  # a void has no amount of its own
    return hold_to(outcome, dispatch["amount"], dispatch["currency"])


def _proof(ports: Ports, merchant: str, dispatch: Json) -> ThreeDsProof | None:
    """DISPATCH.three_ds with its cryptogram opened; None without one, and once the cryptogram is gone."""
    told: Json | None = dispatch.get("three_ds")
    if told is None:
        return None
    cavv = ports.vault.open_cavv(merchant, dispatch["payment_id"], told["cavv_ciphertext"])
    if cavv is None:
        return None
    return ThreeDsProof(told["version"], told["eci"], cavv, told["ds_transaction_id"], told.get("xid"))


async def open_account(ports: Ports, merchant: str, account: Json) -> ProviderAccount:
    """DISPATCH.account with its credentials opened. Raises `VaultFailed`."""
    return ProviderAccount(
        id=account["id"],
        provider=account["provider"],
        base_url=account["base_url"],
        credentials=await ports.vault.open_credentials(merchant, account),
        settings=account.get("settings") or {},
    )


async def _call_verb(connector: Connector, call: ProviderCall, card: CardSecret | None) -> Outcome:
    try:
        async with asyncio.timeout(call.timeout_s + _GRACE_S):
            match call.kind:
                case "authorize":
                    if card is None:
                        return NotSent(cause="no_card")
                    return await connector.authorize(call, card)
                case "capture":
                    return await connector.capture(call)
                case "void":
                    return await connector.void(call)
                case "refund":
                    return await connector.refund(call)
    except TimeoutError:
        return Unknown(cause="timeout")
    except Exception as mistake:
        # A bug after the first byte leaves the outcome unknown. Only the type is logged: the message or the locals
        # could hold what was being sent.
        _log.error("connector %s failed in %s: %s", connector.spec.slug, call.kind, type(mistake).__name__)
        return Unknown(cause="malformed", detail=type(mistake).__name__)


async def apply_outcome(
    ports: Ports,
    merchant: str,
    dispatch: Json,
    outcome: Outcome,
    *,
    source: Source,
    answers: Json | None = None,
    absent: bool = False,
    told: Json | None = None,
) -> Any:
    """Write the outcome down: one `payment_apply_v1`, repeated when the database does not answer (it is safe to).

    `absent` marks an unknown outcome as a look that found nothing and does not count yet. `told` is what a webhook had
    told (DISPATCH), so that it is not applied again. Returns `{result, payment,
    operation, workflow}`. Destroys the CVV's key once the payment came to rest. Raises
    `StoreUnavailable` if the database stays away: the operation then stays `dispatched` and is recovered after its
    lease.
    """
    now = ports.clock.now()
    learned, cascade = outcome_to_json(outcome), False
    if dispatch["kind"] == "authorize":
        learned, cascade = _judged(outcome, dispatch, now)
    p: Json = {
        "operation_id": dispatch["operation_id"],
        "epoch": dispatch["epoch"],
        "outcome": learned | ({"absent": True} if absent else {}),
        "cascade": cascade,
        "at": now.isoformat(),
        "source": source,
        "event_ids": [new_id("evt") for _ in range(4)],
        "order_id": new_id("ord"),
    }
    if answers is not None:
        p["answers"] = answers
    if told is not None:
        p["told"] = told
    if dispatch["kind"] in ("authorize", "capture") and not (isinstance(outcome, Approved) and outcome.captured):
        p["hold"] = _hold(ports, dispatch)
    await ports.failpoints.reach("apply.before", merchant)
    applied = await _apply(ports, merchant, p)
    await ports.failpoints.reach("apply.after", merchant)
    card = dispatch.get("card")
    if card is not None and _authorization_ended(applied):
        ports.vault.forget_cvv(card["token_id"])
        if dispatch.get("three_ds"):
            ports.vault.forget_cvv(dispatch["payment_id"])
    return applied


def _hold(ports: Ports, dispatch: Json) -> Json | None:
    """How long the provider holds what it authorized; None where its connector is gone."""
    try:
        spec = ports.connectors.get(dispatch["account"]["provider"]).spec
    except LookupError:
        return None
    return hold_of(spec, dispatch["account"])


def _judged(outcome: Outcome, dispatch: Json, at: datetime) -> tuple[Json, bool]:
    """An attempt's OUTCOME with what the card's scheme makes of it, and whether another PSP may be asked."""
    scheme: str | None = (dispatch.get("card") or {}).get("brand")
    outcome = by_scheme(outcome, scheme)
    learned = outcome_to_json(outcome)
    if isinstance(outcome, Declined):
        learned["advice"] = cascade_rule(outcome, scheme, at).later
    declined_before = bool(dispatch.get("declined_before", False))
    return learned, may_fall_back(outcome, scheme=scheme, at=at, declined_before=declined_before)


def _authorization_ended(applied: Any) -> bool:
    """Whether nobody will need the CVV again: approved, or declined for good (PCI DSS 3.3.1)."""
    undecided = applied["payment"]["status"] in {"processing", "requires_action"}
    return not undecided or applied["operation"]["status"] == "approved"


async def _apply(ports: Ports, merchant: str, p: Json) -> Any:
    for attempt in range(1, _APPLY_TRIES + 1):
        try:
            return await ports.store.call("payment_apply_v1", merchant, p)
        except StoreUnavailable:
            if attempt == _APPLY_TRIES:
                raise
            await asyncio.sleep(0.05 * attempt)
    raise AssertionError("unreachable")
