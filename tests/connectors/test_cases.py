"""Recorded wire → outcome, per provider, as data: `cases/<slug>.yaml`. Every provider has such a file."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.connectors.http import Answer, HttpClient
from gateway.connectors.registry import discover
from gateway.domain.card import CardSecret, Pan, Secret
from gateway.use_cases.ports import Connector, ProviderAccount, ProviderCall
from gateway.use_cases.wire import outcome_to_json
from tests.connectors.signing import NOW_S, SIGNERS, signed_account

FOLDER = Path(__file__).parent / "cases"
PREFIXES = {"authorize": "att", "capture": "cap", "void": "void", "refund": "ref"}
SLUGS = discover(HttpClient()).slugs


class Recorded(HttpClient):
    """Answers with the recorded answers one after the other, the last one again and again; keeps what was asked."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__()
        self._answers = list(answers)
        self.asked: list[tuple[str, str]] = []

    async def send(self, method: str, url: str, *_: Any, **__: Any) -> Answer:
        self.asked.append((method, url))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def document(slug: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / f"{slug}.yaml").read_text())
    return loaded


def all_cases() -> list[Any]:
    return [
        pytest.param(slug, case, id=f"{slug}: {case['description']}")
        for slug in SLUGS
        for case in document(slug)["cases"]
    ]


def all_declines() -> list[Any]:
    return [
        pytest.param(slug, code, reason, id=f"{slug}: {code}")
        for slug in SLUGS
        for code, reason in document(slug)["declines"].items()
    ]


def call(**changed: Any) -> ProviderCall:
    credentials = {"api_key": Secret("key"), "webhook_secret": Secret("secret")}
    account = ProviderAccount("pa_1", "x", "https://psp.example", credentials)
    fields: dict[str, Any] = {
        "account": account,
        "kind": "authorize",
        "payment_id": "pay_1",
        "operation_id": "att_01hzz",
        "amount": 4200,
        "currency": "EUR",
        "timeout_s": 1.0,
        "parent_reference": "parent_1",
    }
    return ProviderCall(**(fields | changed))


def operation_id(kind: str) -> str:
    return f"{PREFIXES[kind]}_01hzz"


async def outcome_of(slug: str, *answers: Answer, kind: str, read: bool = False, **changed: Any) -> dict[str, Any]:
    connector: Connector = discover(Recorded(*answers)).get(slug)
    one = call(kind=kind, operation_id=operation_id(kind), **changed)
    if read:
        return outcome_to_json(await connector.read(one))
    if kind == "authorize":
        return outcome_to_json(await connector.authorize(one, CardSecret(Pan("4242424242424242"), 12, 2030)))
    verb = {"capture": connector.capture, "void": connector.void, "refund": connector.refund}[kind]
    return outcome_to_json(await verb(one))


def bodies_of(case: dict[str, Any]) -> list[bytes]:
    if "text" in case:
        return [str(case["text"]).encode()]
    bodies = case["bodies"] if "bodies" in case else [case["body"]]
    return [json.dumps(body).replace("OPERATION", operation_id(case["kind"])).encode() for body in bodies]


@pytest.mark.parametrize(("slug", "case"), all_cases())
async def test_case(slug: str, case: dict[str, Any]) -> None:
    answers = [Answer(case["status"], case.get("headers", {}), body) for body in bodies_of(case)]
    changed = {name: case[name] for name in ("capture", "currency", "provider_reference") if name in case}
    got = await outcome_of(slug, *answers, kind=case["kind"], read=case.get("read", False), **changed)
    assert got == case["outcome"]


@pytest.mark.parametrize(("slug", "code", "reason"), all_declines())
async def test_decline_code(slug: str, code: str, reason: str) -> None:
    template = document(slug)["decline_answer"]
    body = json.dumps(template["body"]).replace('"CODE"', json.dumps(code)).encode()
    got = await outcome_of(slug, Answer(template["status"], {}, body), kind="authorize")
    assert (got["kind"], got["reason"]) == ("declined", reason)


def all_notifications() -> list[Any]:
    return [
        pytest.param(slug, case, id=f"{slug}: {case['description']}")
        for slug in SLUGS
        for case in document(slug).get("notifications", [])
    ]


@pytest.mark.parametrize(("slug", "case"), all_notifications())
def test_notification(slug: str, case: dict[str, Any]) -> None:
    headers, body = SIGNERS[slug](case["body"])
    facts = discover(HttpClient()).get(slug).verify_webhook(headers, body, signed_account(), NOW_S)
    shown = []
    for fact in facts:
        told = None if fact.outcome is None else outcome_to_json(fact.outcome)
        shown.append([fact.event_id, fact.event_type, fact.operation_id, fact.provider_reference, told])
    assert shown == case["facts"]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_code_of_the_mapping_is_in_the_cases_and_the_other_way_round(slug: str) -> None:
    mapping = __import__(f"gateway.connectors.{slug}.mapping", fromlist=["DECLINES"]).DECLINES
    recorded = {code: reason for code, reason in document(slug)["declines"].items() if reason != "unmapped"}
    assert {code: reason.value for code, reason in mapping.items()} == recorded
