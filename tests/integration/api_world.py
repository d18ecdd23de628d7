"""A gateway's api process over real parts, with simulators beside it; and merchants to use it with."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from gateway.adapters.keys import create_keys
from tests.parts import Database, Parts

ADMIN_KEY = "ak_test_0123456789abcdef0123456789abcdef"
ROOT = Path(__file__).parents[2]
START_WITHIN_S = 90.0
VISA = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant with one dummypay account of its own. `psp` is what the control plane said of that account."""

    id: str
    secret_key: str
    publishable_key: str
    account: Json
    psp: Json

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret_key}"}


@dataclass(frozen=True, slots=True)
class World:
    """Where everything listens."""

    url: str
    control: str
    log: Path
    keys: Path

    def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, headers: Json | None = None
    ) -> requests.Response:
        """One request; `key` is an API key."""
        sent = dict(headers or {})
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        return request(method, self.url + path, json=body, headers=sent)

    def call_text(self, path: str, text: str, key: str) -> Any:
        """Hand in a file, which must be accepted."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "text/csv"}
        answer = request("POST", self.url + path, data=text.encode(), headers=headers)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def control_call(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the simulators' control plane."""
        answer = request(method, self.control + path, json=body)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def open_shop(self, *, routing: bool = True) -> Shop:
        """A fresh merchant, its account at the simulator, and its routing."""
        made = self.call("POST", "/v1/merchants", {"name": "Corner shop"}, key=ADMIN_KEY)
        assert made.status_code == 201, made.text
        merchant = made.json()
        psp = self.control_call("POST", "/v1/dummypay/accounts", {})
        body = {
            "provider": "dummypay",
            "base_url": psp["url"],
            "credentials": {"api_key": psp["api_key"], "webhook_secret": psp["webhook_secret"]},
        }
        account = self.call("POST", "/v1/provider_accounts", body, key=merchant["secret_key"])
        assert account.status_code == 201, account.text
        if routing:
            order = {"providers": ["dummypay"], "max_fallbacks": 0}
            assert self.call("PUT", "/v1/routing", order, key=merchant["secret_key"]).status_code == 200
        return Shop(merchant["id"], merchant["secret_key"], merchant["publishable_key"], account.json(), psp)

    def fault(self, shop: Shop, when: Json, then: Any, **more: Any) -> None:
        """Let the shop's PSP misbehave from now on."""
        path = f"/v1/dummypay/accounts/{shop.psp['account']}/faults"
        self.control_call("POST", path, {"when": when, "then": then} | more)

    def journal(self, shop: Shop) -> list[Json]:
        """What moved at the shop's PSP."""
        entries: list[Json] = self.control_call("GET", f"/v1/dummypay/accounts/{shop.psp['account']}/journal")[
            "entries"
        ]
        return entries


@contextlib.contextmanager
def running_world(parts: Parts, database: Database, folder: Path, **settings: str) -> Iterator[World]:
    """Start simulators and the api, wait until both answer, and stop them."""
    keys = folder / "keys"
    create_keys(keys)
    with contextlib.ExitStack() as stack:
        control = stack.enter_context(_simulators())
        port = free_port()
        environ = {key: value for key, value in os.environ.items() if not key.startswith("PAYERA_")} | {
            "PAYERA_PROFILE": "test",
            "PAYERA_DATABASE": database.app,
            "PAYERA_SYSTEM_DATABASE": database.system,
            "PAYERA_TEMPORAL": parts.temporal,
            "PAYERA_KEYS": str(keys),
            "PAYERA_ADMIN_KEY": ADMIN_KEY,
            "PAYERA_PORT": str(port),
            "PAYERA_PSP_TIMEOUT_S": "2",
            "PAYERA_LEASE_S": "3",
            "PAYERA_ANSWER_BUDGET_S": "4",
            **settings,
        }
        log = folder / "api.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "gateway.main"], cwd=ROOT, env=environ, stdout=out, stderr=subprocess.STDOUT
            )
        stack.callback(_stop, process)
        url = f"http://127.0.0.1:{port}"
        _wait_until_healthy(url, process, log)
        yield World(url, control, log, keys)


@contextlib.contextmanager
def _simulators() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators.main", "--control-port", "0", "--port-base", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["control"]
    finally:
        _stop(process)
        assert process.stdout is not None
        process.stdout.close()


def _stop(process: "subprocess.Popen[Any]") -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def _wait_until_healthy(url: str, process: "subprocess.Popen[Any]", log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the api ended:\n{log.read_text()}"
        with contextlib.suppress(requests.ConnectionError):
            if request("GET", url + "/healthz").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"the api was not healthy within {START_WITHIN_S} s:\n{log.read_text()}")


def request(method: str, url: str, **more: Any) -> requests.Response:
    """One request on a connection of its own, past any proxy that the machine is set to."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, timeout=20, **more)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
