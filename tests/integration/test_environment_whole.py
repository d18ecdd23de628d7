"""The whole environment, shared by all tests of the run: its processes, the demo merchant, a payment through it."""

import re
from pathlib import Path
from typing import Any

import pytest

from compose.embedded import environment as control
from compose.embedded import seed
from compose.embedded.http import CallFailed, call
from compose.embedded.layout import Layout, load_secrets
from compose.embedded.services import Plan
from tests.integration.test_environment_parts import wait_until
from tests.parts import Merchant, Simulators

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}


def test_every_process_is_up_and_env_json_tells_where(environment: dict[str, Any]) -> None:
    answer = control.status(Path(environment["state"]))
    assert answer is not None
    assert {row["name"]: row["healthy"] for row in answer["processes"]} == dict.fromkeys(
        (
            "postgres",
            "temporal",
            "kafka",
            "simulators",
            "api",
            "worker",
            "relay",
            "dispatcher",
            "reporting",
        ),
        True,
    )
    assert call("GET", environment["gateway"] + "/healthz") == {"status": "ok"}
    assert set(environment["simulators"]) >= {"stripe", "dummypay"}
    key = environment["merchant"]["secret_key"]
    assert call("GET", environment["gateway"] + "/v1/routing", bearer=key)["providers"] == list(seed.PROVIDERS)


def test_a_fresh_merchant_can_be_paid_and_its_psp_agrees(merchant: Merchant, environment: dict[str, Any]) -> None:
    body = {"amount": 4200, "currency": "EUR", "card": CARD}
    paid = call("POST", f"{merchant.gateway}/v1/payments", body, bearer=merchant.secret_key)
    assert (paid["status"], paid["provider"]) == ("captured", "stripe")
    account = merchant.accounts["stripe"]["account"]
    journal = call("GET", f"{merchant.control}/v1/stripe/accounts/{account}/journal")["entries"]
    assert [(entry["kind"], entry["amount"], entry["payment"]) for entry in journal] == [("charge", 4200, paid["id"])]

    def events() -> list[str]:
        found = call("GET", f"{merchant.gateway}/v1/payments/{paid['id']}/events", bearer=merchant.secret_key)
        return [event["type"] for event in found["data"]]

    wait_until(lambda: sorted(events()) == ["payment.captured", "payment.created"], "both events are listed")


def test_the_simulators_alone(sims: Simulators) -> None:
    account = call("POST", f"{sims.control}/v1/dummypay/accounts", {})
    assert account["url"] == sims.urls["dummypay"]
    with pytest.raises(CallFailed, match="HTTP 401"):
        call("GET", f"{sims.urls['dummypay']}/v1/charges/unknown", bearer="nobody's key")


def test_a_second_start_keeps_the_merchant_and_its_accounts(environment: dict[str, Any]) -> None:
    layout = Layout(Path(environment["state"]))
    ports = dict.fromkeys(("temporal-http", "temporal-metrics", "simulators"), 0)
    for name, key in (("api", "gateway"), ("control", "control"), ("postgres", "postgres"), ("temporal", "temporal")):
        ports[name] = int(re.findall(r":(\d+)", environment[key])[-1])
    again = seed.describe(Plan(layout, load_secrets(layout), ports))
    same = ("gateway", "control", "merchant", "admin_key", "postgres", "temporal", "kafka", "simulators")
    assert {key: again[key] for key in same} == {key: environment[key] for key in same}
    key = environment["merchant"]["secret_key"]
    listed = call("GET", environment["gateway"] + "/v1/provider_accounts", bearer=key)["data"]
    assert sorted(account["provider"] for account in listed) == sorted(seed.PROVIDERS)
