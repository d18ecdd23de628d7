"""Waiting: for one condition of a `wait` step, and for a whole scenario to come to rest. Deadlines, never luck."""

import asyncio
import time
from typing import Any

from scenarios.runner import disputes, routing
from scenarios.runner.expect import matches
from scenarios.runner.grammar import seconds
from scenarios.runner.wire import Account
from scenarios.runner.world import World, journal

POLL_S = 0.05
WAIT_S = "15s"
"""How long a `wait` step waits unless told."""
REST_S = 45.0
"""How long a scenario may take to come to rest after its last step: resolution, webhooks and relays included."""


async def wait_until(world: World, told: dict[str, Any]) -> str | None:
    """Wait for the condition of a `wait` step; returns a complaint if it did not hold in time."""
    limit = told.get("within", WAIT_S)
    deadline = time.monotonic() + seconds(limit)
    while True:
        lacking = await _lacking(world, told)
        if lacking is None:
            return None
        if time.monotonic() > deadline:
            return f"not within {limit}: {lacking}"
        await asyncio.sleep(POLL_S)


async def _lacking(world: World, told: dict[str, Any]) -> str | None:
    """What is still missing of the condition, in words; None if it holds."""
    times = told.get("times", 1)
    if "circuit" in told:
        state = (await routing.circuits(world.gateway)).get(told["provider"])
        return None if state == told["circuit"] else f"the circuit of {told['provider']} is {state}"
    if "counted" in told:
        counted = (await routing.statistics(world.gateway)).get(told["provider"], {}).get("attempts", 0)
        return None if counted >= told["counted"] else f"reporting has counted {counted} attempts at {told['provider']}"
    if "provider" in told:
        return await _lacking_at(world.accounts[told["provider"]], told, times)
    if "event" in told:
        payment = await world.payment_id(told["payment"]) if "payment" in told else None
        received = [
            one for one in world.hub.sink.boxes[world.merchant].received if one.event.get("type") == told["event"]
        ]
        count = sum(1 for one in received if payment is None or one.event.get("subject") == payment)
        return None if count >= times else f"the merchant received {told['event']} {count} times, not {times}"
    if "refund" in told:
        identifier = world.asked[told["refund"]].answered_id
        return (
            await _lacking_status(world, f"/v1/refunds/{identifier}", told) if identifier else "the refund is not there"
        )
    payment = await world.payment_id(told["payment"])
    if payment is None:
        return f"the payment {told['payment']} is not there"
    if "dispute" in told:
        statuses = [one["status"] for one in await disputes.of(world.gateway, payment)]
        if statuses[-1:] != [told["dispute"]]:
            return f"the newest dispute is {statuses[-1] if statuses else 'not there'}, not {told['dispute']}"
    if "operation" in told:
        rows = (await world.gateway.get(f"/v1/payments/{payment}/operations"))["data"]
        if not any(matches(told["operation"], row) for row in rows):
            shown = ", ".join(f"{row['kind']} at {row['provider']} {row['status']}" for row in rows)
            return f"no operation like {told['operation']} among: {shown}"
    return await _lacking_status(world, f"/v1/payments/{payment}", told)


async def _lacking_status(world: World, path: str, told: dict[str, Any]) -> str | None:
    if "status" not in told:
        return None
    wanted = [told["status"]] if isinstance(told["status"], str) else told["status"]
    status = (await world.gateway.get(path))["status"]
    return None if status in wanted else f"the status is {status}, not {' or '.join(wanted)}"


async def _lacking_at(account: Account, told: dict[str, Any], times: int) -> str | None:
    if "request" in told:
        count = sum(1 for row in await account.requests() if row["operation"] == told["request"])
        if count < times:
            return f"{account.provider} has received {count} {told['request']} requests, not {times}"
    if "journal" in told:
        lines = [str(entry) for entry in await journal(account)]
        if lines.count(told["journal"]) < times:
            return f"the journal of {account.provider} is {lines}"
    if "notification" in told:
        count = sum(len(row["attempts"]) for row in await account.webhooks() if row["type"] == told["notification"])
        if count < times:
            return f"{account.provider} has sent {told['notification']} {count} times, not {times}"
    return None


async def come_to_rest(world: World, limit_s: float = REST_S) -> list[str]:
    """Wait until nothing of the scenario can change by itself any more; returns what is still open at the deadline.

    Rest means: the PSPs have delivered their notifications, no operation is open, no order, event or merchant webhook
    is due, and whatever was committed has been seen on the topic and at the merchant's endpoint.
    """
    deadline = time.monotonic() + limit_s
    while True:
        still_open = await _open(world)
        if not still_open:
            return []
        if time.monotonic() > deadline:
            return still_open
        await asyncio.sleep(POLL_S)


async def _open(world: World) -> list[str]:
    # The order matters: a notification that has been delivered has left its mark in the database.
    found: list[str] = []
    for account in world.accounts.values():
        # One that was refused waits for the PSP's own schedule, an hour or more; nobody waits for that.
        pending = [row for row in await account.webhooks() if row["status"] == "pending" and not row["attempts"]]
        found += [f"{account.provider} has still to deliver {row['type']}" for row in pending]
    found += [f"{payment}: {why}" for payment, why in await world.hub.store.unrest(world.merchant)]
    if found:
        return found
    committed = {str(event["id"]): event for event in await world.hub.store.events(world.merchant)}
    seen = {str(message.event.get("id")) for message in world.hub.topic.by_merchant[world.merchant]}
    told = {one.id for one in world.hub.sink.boxes[world.merchant].received}
    dead = {event for events in (await world.hub.store.dead_letters(world.merchant)).values() for event in events}
    wants = world.scenario.given.get("webhooks", {}).get("events", ["*"])
    for identifier, event in committed.items():
        if identifier not in seen and not world.hub.topic.broken:
            found.append(f"{event['type']} is not on the topic yet")
        if identifier not in told | dead and ("*" in wants or event["type"] in wants):
            found.append(f"{event['type']} has not reached the merchant yet")
    return found
