"""Notifications: queued in the same commit as their cause, signed at each attempt, retried on the account's clock.

Every endpoint has a queue of its own, delivered one at a time in order of the events; an attempt that fails waits on
the account's clock by the dialect's schedule and lets the others pass. Signature timestamps are real time: receivers
compare them with their own clocks. Chaos comes from the fault that met the request which caused the event.
"""

import asyncio
import importlib
import time
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from simulators.kit.actions import Action

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from simulators.kit.accounts import Account

ENDPOINTS = "kit.endpoints"
EVENTS = "kit.events"
DELIVERIES = "kit.deliveries"
OWN = "control"  # the endpoint that the control plane sets
TIMEOUT_S = 10.0
STALE_S = 3600
Json = dict[str, Any]


class Unanswered(Exception):
    """A notification got no HTTP answer; the message is the kind of failure."""


class Sender:
    """The HTTP client all accounts of a process share. It follows no redirects and reads no bodies."""

    def __init__(self) -> None:
        self._session: ClientSession | None = None
        self._imported = False

    async def ready(self) -> None:
        """Import the HTTP client: a third of a process's start, and many processes never notify anybody.

        In a thread: inside the event loop it would keep every simulator silent for longer than a gateway waits.
        """
        if not self._imported:
            await asyncio.to_thread(importlib.import_module, "aiohttp")
            self._imported = True

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send; returns the status. Raises Unanswered where nobody answered."""
        await self.ready()
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        try:
            async with self._session.post(url, data=body, headers=dict(headers), allow_redirects=False) as answer:
                return answer.status
        except (OSError, aiohttp.ClientError, TimeoutError) as failed:
            raise Unanswered(type(failed).__name__) from failed

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()
            self._session = None


class Webhooks:
    """One account's endpoints, events and deliveries. All of it is in the account's store, so a restart goes on."""

    def __init__(self, account: "Account") -> None:
        self._account = account
        self._queues: dict[str, deque[str]] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._held: list[str] = []
        self._halted = False
        self.chaos: tuple[Action, ...] = ()  # set by the exchange around the handler
        self.fresh: list[str] = []  # deliveries queued by the open transaction
        self.first: list[str] = []  # deliveries that go before the answer to their request

    # -- endpoints
    def put_endpoint(self, endpoint: Json) -> None:
        """Create or change `{id, url, secret, events, old_secret?, disabled?}`, in a transaction."""
        before = self._account.store.get(ENDPOINTS, endpoint["id"])
        if before is not None and before["secret"] != endpoint["secret"]:
            endpoint = {"old_secret": before["secret"], **endpoint}
        self._account.store.put(ENDPOINTS, endpoint)

    def remove_endpoint(self, endpoint_id: str) -> None:
        """Stop sending to an endpoint, inside a transaction; what still waits for it is dropped when its turn comes."""
        if (ENDPOINTS, endpoint_id) in self._account.store:
            self._account.store.delete(ENDPOINTS, endpoint_id)

    def own_endpoint(self) -> Json | None:
        """The endpoint that the control plane set, if any."""
        return self._account.store.get(ENDPOINTS, OWN)

    # -- queueing
    def queue(self, event_type: str, event_id: str, body: Mapping[str, Any] | bytes) -> None:
        """Make an event and a delivery to each subscribed endpoint, inside a transaction."""
        store = self._account.store
        if store.count(ENDPOINTS) == 0:  # the usual case under load
            return
        targets = [
            endpoint
            for endpoint in store.all(ENDPOINTS)
            if not endpoint.get("disabled") and ("*" in endpoint["events"] or event_type in endpoint["events"])
        ]
        if not targets:
            return
        text = (body if isinstance(body, bytes) else orjson.dumps(body)).decode()
        store.put(EVENTS, {"id": event_id, "type": event_type, "body": text})
        delay = next((action["seconds"] for action in self.chaos if action.word == "webhook_delay"), None)
        if not self.fresh:
            self._account.after_commit(self._committed)
        for endpoint in targets:
            delivery_id = f"{event_id}:{endpoint['id']}"
            chaos = [action.view() for action in self.chaos if action.word != "webhook_before_response"]
            delivery = _delivery(delivery_id, event_id, event_type, endpoint["id"], chaos)
            if delay is not None:
                delivery["due"] = self._account.clock.now() + delay
            store.put(DELIVERIES, delivery)
            self.fresh.append(delivery_id)

    def rollback(self) -> None:
        """Forget what an undone transaction queued."""
        self.fresh = []

    def _committed(self) -> None:
        fresh, self.fresh = self.fresh, []
        words = {action.word: action for action in self.chaos}
        if "webhook_drop" in words:
            return
        if "webhook_before_response" in words:
            self.first = fresh
            return
        if "webhook_delay" in words:
            for delivery_id in fresh:
                self._account.clock.after(words["webhook_delay"]["seconds"], lambda d=delivery_id: self._ready(d))  # type: ignore[misc] # the default argument binds the loop variable
            return
        if "webhook_reorder" in words:
            if len({delivery_id.rpartition(":")[0] for delivery_id in fresh}) == 1:
                self._held += fresh  # one event alone: it waits for the next one and follows it
                return
            fresh = fresh[::-1]
        else:
            fresh, self._held = [*fresh, *self._held], []
        try:
            # One turn of the loop later, so that the answer to the request is on the wire before the notification.
            asyncio.get_running_loop().call_soon(self._ready_all, fresh)
        except RuntimeError:  # no loop: state is being prepared; `rearm` finds the deliveries when serving begins
            return

    async def send_first(self) -> None:
        """Deliver what `webhook_before_response` holds, before the answer to its request leaves."""
        first, self.first = self.first, []
        for delivery_id in first:
            await self._attempt(delivery_id)

    def _ready_all(self, delivery_ids: list[str]) -> None:
        for delivery_id in delivery_ids:
            self._ready(delivery_id)

    def _ready(self, delivery_id: str) -> None:
        delivery = self._account.store.get(DELIVERIES, delivery_id)
        if delivery is None or self._halted:
            return
        endpoint = delivery["endpoint"]
        self._queues.setdefault(endpoint, deque()).append(delivery_id)
        if endpoint not in self._workers:
            self._workers[endpoint] = asyncio.get_running_loop().create_task(self._work(endpoint))

    async def _work(self, endpoint: str) -> None:
        queue = self._queues[endpoint]
        try:
            while queue:
                await self._attempt(queue.popleft())
        finally:
            self._workers.pop(endpoint, None)

    # -- sending
    async def _attempt(self, delivery_id: str) -> None:
        account = self._account
        delivery = account.store.get(DELIVERIES, delivery_id)
        endpoint = delivery and account.store.get(ENDPOINTS, delivery["endpoint"])
        if not delivery or not endpoint:
            return
        chaos = {action["action"]: action for action in delivery["chaos"]}
        again = chaos.get("webhook_duplicate", {}).get("times", 1) if not delivery["attempts"] else 1
        for _ in range(again):
            delivery["attempts"].append(await self._send(delivery, endpoint, chaos))
        self._settle(delivery)

    async def _send(self, delivery: Json, endpoint: Json, chaos: Mapping[str, Any]) -> Json:
        account, dialect = self._account, self._account.world.spec.dialect
        event = account.store.get(EVENTS, delivery["event"])
        secret, stamp = endpoint["secret"], int(time.time())
        if "webhook_bad_signature" in chaos:
            secret = secret[:-1] + ("A" if secret[-1:] != "A" else "B")
        if "webhook_old_secret" in chaos:
            secret = endpoint.get("old_secret") or f"{secret}_before"
        if "webhook_stale" in chaos:
            stamp -= STALE_S
        assert event is not None
        assert dialect.sign is not None, "an account with endpoints belongs to a dialect that signs"
        headers, body = dialect.sign(secret, event["body"].encode(), stamp)
        headers = {"content-type": dialect.webhook_content_type, **dialect.webhook_headers, **headers}
        at = time.time()
        try:
            status = await account.world.sender.post(endpoint["url"], headers, body)
        except Unanswered as failed:
            return {"at": at, "status": None, "error": str(failed)}
        return {"at": at, "status": status}

    def _settle(self, delivery: Json) -> None:
        account = self._account
        schedule = account.world.spec.dialect.webhook_schedule
        last = delivery["attempts"][-1]["status"]
        tried = delivery["tries"] = delivery["tries"] + 1
        if last is not None and 200 <= last < 300:
            delivery["status"], delivery["due"] = "delivered", None
        elif tried > len(schedule):
            delivery["status"], delivery["due"] = "failed", None
        else:
            delivery["status"], delivery["due"] = "pending", account.clock.now() + schedule[tried - 1]
        if (DELIVERIES, delivery["id"]) not in account.store:  # the account was reset meanwhile
            return
        with account.transaction():
            account.store.put(DELIVERIES, delivery)
        if delivery["due"] is not None:
            account.clock.at(delivery["due"], lambda: self._ready(delivery["id"]))

    # -- looking and pushing
    def deliveries(self) -> list[Json]:
        """Every delivery `{event, type, endpoint, status, attempts, due}`, in order of the events."""
        return [
            {key: delivery[key] for key in ("event", "type", "endpoint", "status", "attempts", "due")}
            for delivery in self._account.store.all(DELIVERIES)
        ]

    def resend(self, event_id: str) -> int:
        """Send an event again to every endpoint it went to, without chaos. Returns to how many."""
        found = self._account.store.find(DELIVERIES, "event", event_id)
        with self._account.transaction():
            for delivery in found:
                fresh = {**delivery, "status": "pending", "tries": 0, "chaos": [], "due": None}
                self._account.store.put(DELIVERIES, fresh)
        self._ready_all([delivery["id"] for delivery in found])
        return len(found)

    async def quiet(self) -> None:
        """Wait until every queue is empty."""
        await asyncio.sleep(0)  # deliveries of a commit enter their queues one turn of the loop later
        while self._workers:
            await asyncio.wait(list(self._workers.values()))

    def rearm(self) -> None:
        """After a restart: what was pending goes out when it is due."""
        for delivery in list(self._account.store.all(DELIVERIES)):
            if delivery["status"] == "pending":
                due = delivery["due"] or self._account.clock.now()
                self._account.clock.at(due, lambda d=delivery["id"]: self._ready(d))  # type: ignore[misc] # binds the loop variable

    def clear(self) -> None:
        """Drop everything that waits in memory."""
        for worker in list(self._workers.values()):
            worker.cancel()
        self._workers.clear()
        self._queues.clear()
        self._held.clear()
        self.fresh = []

    def halt(self) -> None:
        """The process ends: send nothing any more."""
        self._halted = True
        self.clear()


def _delivery(delivery_id: str, event_id: str, event_type: str, endpoint: str, chaos: list[Json]) -> Json:
    dropped = any(action["action"] == "webhook_drop" for action in chaos)
    return {
        "id": delivery_id,
        "event": event_id,
        "type": event_type,
        "endpoint": endpoint,
        "status": "dropped" if dropped else "pending",
        "attempts": [],
        "tries": 0,
        "due": None,
        "chaos": chaos,
    }
