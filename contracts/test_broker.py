"""Publishing and asking, against a small broker that keeps what it is told and answers as the real one does."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from typer.testing import CliRunner

from contracts.cli import app
from contracts.kit.broker import Broker, BrokerFailed
from contracts.kit.consumer import pact_file

Json = dict[str, Any]
RUN = CliRunner()


class FakeBroker:
    """Pacts, branches and results by path; `deployable` is what it answers to can-i-deploy."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str | None]] = []
        self.pacts: dict[str, Json] = {}
        self.results: dict[str, Json] = {}
        self.deployable: dict[str, bool | None] = {}
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                fake.calls.append((self.command, unquote(self.path), self.headers.get("authorization")))
                status, value = fake.answer(self.command, urlsplit(self.path), json.loads(body or b"{}"))
                content = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-type", "application/hal+json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST = _answer  # noqa: N815 - the base class asks for these names

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def answer(self, method: str, url: Any, body: Json) -> tuple[int, Json]:
        match method, [unquote(part) for part in url.path.strip("/").split("/")]:
            case "PUT", ["pacticipants", _, "branches", _, "versions", _]:
                return 201, {}
            case "PUT", ["pacts", "provider", provider, "consumer", consumer, "version", version]:
                self.pacts[f"{consumer}-{provider}@{version}"] = body
                where = f"{self.url}/results/{consumer}-{provider}"
                return 201, {"_links": {"pb:publish-verification-results": {"href": where}}}
            case "POST", ["results", pair]:
                self.results[pair] = body
                return 201, {}
            case "GET", ["can-i-deploy"]:
                asked = {name: values[0] for name, values in parse_qs(url.query).items()}
                reason = f"{asked['version']} to {asked['environment']}"
                return 200, {"summary": {"deployable": self.deployable[asked["pacticipant"]], "reason": reason}}
        return 404, {"error": "no such resource"}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    fake = FakeBroker()
    yield fake
    fake.close()


def test_pacts_and_results_are_published(broker: FakeBroker) -> None:
    words = ["publish", "dummypay", "--broker", broker.url, "--version", "1.2", "--branch", "feat/x"]
    done = RUN.invoke(app, words, env={"PACT_BROKER_TOKEN": "secret"})
    assert done.exit_code == 0, done.output
    assert broker.pacts["gateway-dummypay@1.2"] == json.loads(pact_file("dummypay").read_text("utf-8"))
    assert broker.results == {"gateway-dummypay": {"success": True, "providerApplicationVersion": "1.2"}}
    assert ("PUT", "/pacticipants/gateway/branches/feat/x/versions/1.2", "Bearer secret") in broker.calls
    assert {authorization for _, _, authorization in broker.calls} == {"Bearer secret"}


def test_without_results_nothing_is_said_about_them(broker: FakeBroker) -> None:
    done = RUN.invoke(app, ["publish", "events", "--broker", broker.url, "--version", "1", "--no-results"])
    assert done.exit_code == 0, done.output
    assert set(broker.pacts) == {"bookkeeping-payera@1", "shop-payera@1"}
    assert broker.results == {}


@pytest.mark.parametrize(
    ("gateway", "payera", "code"), [(True, True, 0), (True, False, 1), (None, True, 2), (None, False, 1)]
)
def test_the_broker_decides(broker: FakeBroker, gateway: bool | None, payera: bool | None, code: int) -> None:
    broker.deployable = {"gateway": gateway, "payera": payera}
    done = RUN.invoke(app, ["can-i-deploy", "--broker", broker.url, "--to", "qa", "--version", "1.2"])
    assert done.exit_code == code, done.output
    assert "1.2 to qa" in done.output


def test_a_broker_that_is_away_or_refuses_is_no_verdict(broker: FakeBroker) -> None:
    done = RUN.invoke(app, ["can-i-deploy", "--broker", "http://127.0.0.1:1", "--to", "qa", "--version", "1"])
    assert done.exit_code == 2
    with pytest.raises(BrokerFailed, match="HTTP 404"):
        Broker(f"{broker.url}/nowhere").publish(pact_file("dummypay"), "1", None)
    with pytest.raises(BrokerFailed, match="not the URL"):
        Broker("broker.example")


def test_a_name_and_a_password_serve_as_well(broker: FakeBroker) -> None:
    broker.deployable = {"gateway": True}
    asked = Broker(broker.url, {"PACT_BROKER_USERNAME": "ci", "PACT_BROKER_PASSWORD": "p"})
    assert asked.can_i_deploy("gateway", "1", "qa").deployable is True
    assert broker.calls[0][2] == "Basic " + base64.b64encode(b"ci:p").decode()
