"""Disputes of a scenario's payments, over the gateway's API: what they are now, and the merchant's answer."""

import asyncio
import json
import time
from typing import Any

from scenarios.runner.wire import Account, Call, Gateway

POLL_S = 0.02
DELIVERED_WITHIN_S = 15.0


async def of(gateway: Gateway, payment: str) -> list[dict[str, Any]]:
    """The disputes of a payment, oldest first."""
    listed = (await gateway.get(f"/v1/disputes?payment={payment}"))["data"]
    return list(reversed(listed))


async def answer(gateway: Gateway, payment: str, told: dict[str, Any]) -> Call | None:
    """Answer the newest dispute of a payment; None if there is none."""
    known = await of(gateway, payment)
    if not known:
        return None
    evidence = {"text": told.get("text", "Delivered, and signed for.")}
    body = b"" if told["respond"] == "accept" else json.dumps(evidence).encode()
    return await gateway.call_raw("POST", f"/v1/disputes/{known[-1]['id']}/{told['respond']}", body, None)


async def delivered(account: Account) -> str | None:
    """Wait until a PSP's notifications have been tried: steps by hand come one after the other then. Or a complaint."""
    deadline = time.monotonic() + DELIVERED_WITHIN_S
    while True:
        waiting = [row for row in await account.webhooks() if row["status"] == "pending" and not row["attempts"]]
        if not waiting:
            return None
        if time.monotonic() > deadline:
            return f"{account.provider} has not delivered {waiting[0]['type']} within {DELIVERED_WITHIN_S:g}s"
        await asyncio.sleep(POLL_S)
