"""The merchant answers a dispute: gives in, or sends evidence."""

from dataclasses import dataclass
from typing import Literal

from gateway.domain.errors import Conflict, Refused
from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.dispatch import open_account
from gateway.use_cases.operate import ACCEPTED, Answer
from gateway.use_cases.ports import AnswersDisputes, DisputeCall, Json, Ports

DONE = 200


@dataclass(frozen=True, slots=True)
class AnswerDispute:
    """`text` is the evidence, for people at the bank."""

    merchant: str
    dispute_id: str
    answer: Literal["accept", "evidence"]
    text: str | None = None


@use_case
async def answer_dispute(ports: Ports, command: AnswerDispute) -> Answer:
    """Tell the PSP and answer with the dispute's view: 200, or 202 where the PSP's answer is not known.

    No money is asked for, so nothing is resolved: the PSP's notice tells what became of the dispute, and asking again
    is safe. The intent to accept is written down before the PSP is asked. Raises `NotFound`, `Conflict`
    (`dispute_not_open`, `dispute_answer_refused`), `Refused` (`not_offered_by_provider`), `VaultFailed`.
    """
    found = await ports.store.call("dispute_get_v1", command.merchant, {"dispute_id": command.dispute_id})
    connector = ports.connectors.get(found["provider"])
    if f"dispute_{command.answer}" not in connector.spec.capabilities or not isinstance(connector, AnswersDisputes):
        title = connector.spec.title
        raise Refused("not_offered_by_provider", f"{title} takes no such answer from here: give it there.")
    p: Json = {"dispute_id": command.dispute_id, "answer": command.answer, "at": ports.clock.now().isoformat()}
    begun = await ports.store.call("dispute_answer_begin_v1", command.merchant, p)
    call = DisputeCall(
        account=await open_account(ports, command.merchant, begun["account"]),
        provider_reference=begun["provider_reference"],
        answer=command.answer,
        key=new_id("ans"),
        timeout_s=ports.timing.psp_timeout_s,
        text=command.text,
    )
    result = await connector.answer_dispute(call)
    if result == "unknown":
        return Answer(ACCEPTED, begun["dispute"], replayed=False)
    end = p | {"result": result, "at": ports.clock.now().isoformat(), "event_id": new_id("evt")}
    view = await ports.store.call("dispute_answer_end_v1", command.merchant, end)
    if result == "refused":
        raise Conflict("dispute_answer_refused", f"{connector.spec.title} does not take this answer any more.")
    return Answer(DONE, view, replayed=False)
