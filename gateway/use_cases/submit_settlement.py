"""Take a settlement file in: kept as it came, matched by the reporting process."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.errors import Complaint, Refused
from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.ports import Json, Ports
from gateway.use_cases.settlement import SettlementUnreadable


@dataclass(frozen=True, slots=True)
class SubmitSettlement:
    """`content` is the file. The period is what the file claims to cover, its end exclusive; None: the days of its
    lines. `tolerance_s` is how far the PSP's clock and days may lie from ours, in seconds.
    """

    merchant: str
    account_id: str
    content: str
    period_from: datetime | None
    period_to: datetime | None
    tolerance_s: int


@use_case
async def submit_settlement(ports: Ports, command: SubmitSettlement) -> Json:
    """Store the file and return its view. The same file of the same account again is answered with the first one.

    Its beginning is read at once, so that another PSP's file is refused before it is kept; the rest is read later.
    Raises `NotFound` (`provider_account_not_found`), `Refused` (`settlement_not_supported`, `settlement_unreadable`,
    `period_invalid`).
    """
    account = await ports.store.call("provider_account_get_v1", command.merchant, {"account_id": command.account_id})
    provider = account["provider"]
    try:
        parse = ports.connectors.get(provider).spec.settlement
    except LookupError:
        parse = None
    if parse is None:
        what, how = "has no settlement files that this gateway reads", "see the provider's connector"
        complaint = Complaint("provider_account", what, how)
        raise Refused("settlement_not_supported", f"provider_account {what}", (complaint,))
    try:
        next(parse(command.content), None)
    except SettlementUnreadable as error:
        how = f"send the settlement file of {provider} as it came"
        raise Refused("settlement_unreadable", str(error), (Complaint("body", str(error), how),)) from None
    view: Json = await ports.store.call(
        "settlement_submit_v1",
        command.merchant,
        {
            "settlement_id": new_id("stl"),
            "account_id": command.account_id,
            "content": command.content,
            "digest": hashlib.sha256(command.content.encode()).hexdigest(),
            "period_from": command.period_from.isoformat() if command.period_from is not None else None,
            "period_to": command.period_to.isoformat() if command.period_to is not None else None,
            "tolerance_s": command.tolerance_s,
            "at": ports.clock.now().isoformat(),
        },
    )
    return view
