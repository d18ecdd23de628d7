"""The steps of `when`, one method per verb. A step that does not go as told raises `StepFailed`."""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from scenarios.runner import cards, disputes, money, reviews, routing
from scenarios.runner.expect import differences, matches
from scenarios.runner.grammar import seconds
from scenarios.runner.language import Step
from scenarios.runner.waiting import wait_until
from scenarios.runner.wire import Call
from scenarios.runner.world import Asked, World, add_faults

HEALTHY_WITHIN_S = 20.0
"""How long a restarted process may take until its health check answers."""


NO_ANSWER = frozenset({502, 504})
"""What a proxy says when the gateway ended, or went silent, before it answered."""


class StepFailed(Exception):
    """A step did not go as told. `line` is its line in the scenario file."""

    def __init__(self, line: int, *complaints: str) -> None:
        self.line = line
        self.complaints = complaints
        super().__init__("; ".join(complaints))


class Player:
    """Plays the steps of one scenario in its world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._killed = False
        self._verbs: dict[str, Callable[[Step], Awaitable[None]]] = {
            "tokenize": self._tokenize,
            "pay": self._pay,
            "capture": self._change,
            "cancel": self._change,
            "refund": self._change,
            "reauthorize": self._change,
            "retry": self._retry,
            "wait": self._wait,
            "fault": self._fault,
            "clear": self._clear,
            "advance": self._advance,
            "resend": self._resend,
            "settle": self._settle,
            "dispute": self._dispute,
            "resolve": self._resolve,
            "kill": self._kill,
            "restart": self._restart,
            "simulate": self._simulate,
            "expect": self._expect,
        }

    async def play(self) -> None:
        """All steps in order, then every background request to its end. Raises `StepFailed` at the first that fails."""
        try:
            for step in self.world.scenario.steps:
                await self._verbs[step.verb](step)
            for step in self.world.scenario.steps:
                asked = self.world.asked.get(step.told.get("as", ""))
                if asked is not None and asked.tasks:
                    await self._finish(asked)
                    self._check(step, asked.calls[0])
        finally:
            for asked in self.world.asked.values():
                for task in asked.tasks:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task

    # --- money ---------------------------------------------------------------------------------------------------

    async def _tokenize(self, step: Step) -> None:
        body = {"card": self._card(step)}
        await self._ask(step, "/v1/tokens", body, key=None)

    async def _pay(self, step: Step) -> None:
        told, world = step.told, self.world
        amount, currency = money.parse(told["amount"])
        reference = f"{world.scenario.name[:40]}-{told['as']}-{world.made_up.pystr_format('######')}"
        body: dict[str, Any] = {
            "amount": amount,
            "currency": currency,
            "capture_method": told.get("capture", "automatic"),
            "reference": reference,
            "description": told.get("description", world.made_up.catch_phrase()),
            "metadata": told.get("metadata", {"order": world.made_up.pystr_format("order-######")}),
        }
        body |= {word: told[word] for word in ("network_transaction_id", "three_ds") if word in told}
        if "token" in told:
            body["token"] = world.asked[told["token"]].answered_id
        else:
            body["card"] = self._card(step)
        key = told.get("key") or f"{world.merchant}-{told['as']}"
        await self._ask(step, "/v1/payments", body, key=key, reference=reference)

    async def _change(self, step: Step) -> None:
        """Capture, cancel, refund or re-authorize."""
        told = step.told
        payment = await self.world.payment_id(told["payment"])
        if payment is None:
            raise StepFailed(step.line, f"{step.verb}: the payment {told['payment']} does not exist")
        body: dict[str, Any] = {word: told[word] for word in ("final", "reason") if word in told}
        if "amount" in told:
            body["amount"] = money.parse(told["amount"]).amount
        key = told.get("key") or f"{self.world.merchant}-{told['as']}"
        if step.verb == "refund":
            body["payment"] = payment
            path = "/v1/refunds"
        else:
            path = f"/v1/payments/{payment}/{step.verb}"
        await self._ask(step, path, body, key=key, payment=payment)

    async def _retry(self, step: Step) -> None:
        told = step.told
        asked = self.world.asked[told["of"]]
        before = next((call for call in asked.calls if call.status is not None and call.status != 202), None)
        body = asked.body
        if "changed" in told:
            body = json.dumps(json.loads(body) | in_api_terms(told["changed"])).encode()
        call = await self.world.gateway.call_raw("POST", asked.path, body, asked.key)
        if "changed" not in told:
            asked.calls.append(call)
        self._check(step, call)
        if told.get("replayed") is not None and call.replayed != told["replayed"]:
            word = "a replay" if told["replayed"] else "no replay"
            raise StepFailed(step.line, f"retry of {told['of']}: the answer should say that it is {word}")
        if before is not None and "changed" not in told and "http" not in told and before.answer != call.answer:
            raise StepFailed(
                step.line,
                f"retry of {told['of']}: the answer differs from the first: {before.answer!r}, then {call.answer!r}",
            )

    def _card(self, step: Step) -> dict[str, object]:
        card = cards.find(self.world.scenario.route[0], step.told["card"])
        return card.body(holder_name=self.world.made_up.name(), cvc=step.told.get("cvc", True))

    async def _ask(
        self,
        step: Step,
        path: str,
        body: dict[str, Any],
        *,
        key: str | None,
        payment: str | None = None,
        reference: str | None = None,
    ) -> None:
        told = step.told
        asked = Asked(told["as"], step.verb, path, key, json.dumps(body).encode(), payment, reference=reference)
        self.world.asked[asked.name] = asked
        copies = [
            asyncio.create_task(self.world.gateway.call_raw("POST", path, asked.body, key))
            for _ in range(told.get("copies", 1))
        ]
        if told.get("background"):
            asked.tasks = copies
            return
        asked.calls = list(await asyncio.gather(*copies))
        for call in asked.calls:
            self._check(step, call)

    async def _finish(self, asked: Asked) -> None:
        asked.calls = [*(await asyncio.gather(*asked.tasks)), *asked.calls]
        asked.tasks = []

    def _check(self, step: Step, call: Call) -> None:
        """The answer's status, problem code and time are as told; any 2xx where no status is told."""
        told = step.told
        what = f"{step.verb} {told.get('as') or told.get('of') or told.get('payment')}"
        if call.status is None:
            if self._killed and told.get("background"):
                return  # whoever talked to a killed process cannot know: a retry of the same key will tell (INV-13)
            raise StepFailed(step.line, f"{what}: the connection broke: {call.error}")
        if call.status in NO_ANSWER and self._killed and told.get("background"):
            return  # the same, told by a proxy that lost the killed process
        problem = call.json.get("code")
        shown = f"{call.status} {problem or ''} {call.json.get('detail', '') if call.status >= 400 else ''}".strip()
        if "http" in told and call.status != told["http"]:
            raise StepFailed(step.line, f"{what}: expected HTTP {told['http']}, got {shown}")
        if "http" not in told and "problem" not in told and call.status >= 300:
            raise StepFailed(step.line, f"{what}: refused with HTTP {shown}")
        if "problem" in told and problem != told["problem"]:
            raise StepFailed(step.line, f"{what}: expected the problem {told['problem']}, got {shown}")
        took = call.ended - call.started
        if "within" in told and took > seconds(told["within"]):
            raise StepFailed(step.line, f"{what}: answered after {took:.2f}s, expected within {told['within']}")

    # --- the world around -----------------------------------------------------------------------------------------

    async def _wait(self, step: Step) -> None:
        if "answer" in step.told:
            asked = self.world.asked[step.told["answer"]]
            limit = seconds(step.told.get("within", "15s"))
            done, _ = await asyncio.wait(asked.tasks, timeout=limit) if asked.tasks else (None, None)
            if done is not None and len(done) < len(asked.tasks):
                raise StepFailed(step.line, f"{asked.name} was not answered within {limit:g}s")
            await self._finish(asked)
            return
        complaint = await wait_until(self.world, step.told)
        if complaint is not None:
            raise StepFailed(step.line, complaint)

    async def _fault(self, step: Step) -> None:
        await add_faults(self.world, step.told)

    async def _clear(self, step: Step) -> None:
        for provider in step.told["providers"]:
            await self.world.accounts[provider].clear_faults()

    async def _advance(self, step: Step) -> None:
        account = self.world.accounts[step.told["provider"]]
        await account.control.call("POST", f"{account.path}/clock", {"advance_s": seconds(step.told["by"])})

    async def _resend(self, step: Step) -> None:
        """The PSP sends its newest notification (of a type) again, so many times."""
        account, wanted = self.world.accounts[step.told["provider"]], step.told.get("notification")
        rows = [row for row in await account.webhooks() if wanted in {None, row["type"]}]
        if not rows:
            known = sorted({str(row["type"]) for row in await account.webhooks()})
            raise StepFailed(step.line, f"{account.provider} has sent no {wanted or 'notification'}: {known}")
        for _ in range(step.told.get("times", 1)):
            await account.control.call("POST", f"{account.path}/webhooks/{rows[-1]['event']}/resend")

    async def _settle(self, step: Step) -> None:
        account = self.world.accounts[step.told["provider"]]
        payment = await self.world.payment_id(step.told["payment"])
        objects: list[str | None] = []
        if "operation" in step.told:
            rows = (await self.world.gateway.get(f"/v1/payments/{payment}/operations"))["data"]
            objects = [row["provider_reference"] for row in rows if matches(step.told["operation"], row)]
        else:
            objects = [row["object"] for row in await account.journal() if row.get("payment") == payment]
        if (
            not objects and "operation" not in step.told and payment is not None
        ):  # nothing moved yet: the shopper has still to act
            attempts = (await self.world.gateway.get(f"/v1/payments/{payment}/attempts"))["data"]
            objects = [row["provider_reference"] for row in attempts if row["provider"] == account.provider]
        if not objects:
            raise StepFailed(step.line, f"{account.provider} has nothing like that of payment {step.told['payment']}")
        told = step.told["action"]
        for action in [told] if isinstance(told, str) else told:
            order = {"object": objects[0], "action": action, "data": step.told.get("data", {})}
            await account.control.call("POST", f"{account.path}/settle", order)
            if not isinstance(told, str) and (late := await disputes.delivered(account)) is not None:
                raise StepFailed(step.line, late)

    async def _dispute(self, step: Step) -> None:
        """The merchant answers the newest dispute of a payment."""
        payment = await self.world.payment_id(step.told["payment"])
        call = None if payment is None else await disputes.answer(self.world.gateway, payment, step.told)
        if call is None:
            raise StepFailed(step.line, f"{step.told['payment']} is not disputed")
        self._check(step, call)

    async def _resolve(self, step: Step) -> None:
        payment = await self.world.payment_id(step.told["payment"])
        if payment is None:
            raise StepFailed(step.line, f"resolve: the payment {step.told['payment']} does not exist")
        call, why = await reviews.resolve(self.world.operator, self.world.accounts, payment, step.told)
        if call is None:
            raise StepFailed(step.line, f"resolve: {why}")
        self._check(step, call)

    async def _kill(self, step: Step) -> None:
        self._killed = True
        supervisor = self.world.hub.surroundings.supervisor
        await supervisor.kill(step.told["process"], step.told.get("signal", 9))

    async def _restart(self, step: Step) -> None:
        process = step.told["process"]
        await self.world.hub.surroundings.supervisor.restart(process)
        if process != "api":
            return
        deadline = time.monotonic() + HEALTHY_WITHIN_S
        while (await self.world.gateway.call("GET", "/healthz")).status != 200:
            if time.monotonic() > deadline:
                raise StepFailed(step.line, f"{process} is not healthy {HEALTHY_WITHIN_S:g}s after its restart")
            await asyncio.sleep(0.05)

    async def _simulate(self, step: Step) -> None:
        self.world.simulated[step.told["as"]] = await routing.simulated(self.world.gateway, step.told)

    async def _expect(self, step: Step) -> None:
        found = differences(step.told, await self.world.observe())
        if found:
            raise StepFailed(step.line, *(str(difference) for difference in found))


def in_api_terms(changed: dict[str, Any]) -> dict[str, Any]:
    """Changed fields of a body, with `amount: EUR 42.00` as the API takes it."""
    result = dict(changed)
    if isinstance(result.get("amount"), str):
        result["amount"], result["currency"] = money.parse(result["amount"])
    return result
