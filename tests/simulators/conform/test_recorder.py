"""The recorder in front of a simulator as the sandbox: traffic passes unchanged, what is kept is masked."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from typer.testing import CliRunner

from simulators.cli import app
from simulators.conform import masking
from simulators.conform.recorder import Recorder, Recording
from simulators.conform.routes import operations
from simulators.kit.testing import running

VISA = "4242424242424242"
CARD = {"number": VISA, "exp_month": 12, "exp_year": 2030, "cvc": "737", "name": "Ada Lovelace"}
RUN = CliRunner()


async def test_what_passes_is_unchanged_and_what_is_kept_is_masked(tmp_path: Path) -> None:
    async with running("dummypay") as sims, aiohttp.ClientSession() as session:
        account = await sims.account("dummypay")
        recorder = Recorder(account.url, Recording(tmp_path, operations("dummypay")))
        url = await recorder.start()
        try:
            headers = {"authorization": f"Bearer {account.api_key}", "idempotency-key": "att_1"}
            body = {
                "amount": 4200,
                "currency": "EUR",
                "card": CARD,
                "email": "ada@lovelace.example",
                "reference": "att_1",
            }
            body["description"] = f"card {VISA}"
            async with session.post(f"{url}/v1/charges", json=body, headers=headers) as answer:
                assert answer.status == 200
                charge = await answer.json()
            assert charge["description"] == f"card {VISA}"  # the caller gets what the PSP said
            async with session.get(f"{url}/v1/charges?reference=att_1", headers=headers) as answer:
                assert (await answer.json())["data"][0]["id"] == charge["id"]
            del headers["idempotency-key"]
            async with session.post(f"{url}/v1/charges/{charge['id']}/void", headers=headers) as answer:
                assert answer.status == 409
            assert [entry["kind"] for entry in await account.journal()] == ["charge"]
        finally:
            await recorder.stop()
    text = "".join((tmp_path / name).read_text("utf-8") for name in ("exchanges.jsonl", "cases.yaml"))
    for secret in (VISA, account.api_key, "ada@lovelace.example", "Ada Lovelace", '"737"'):
        assert secret not in text
    lines = [json.loads(line) for line in (tmp_path / "exchanges.jsonl").read_text("utf-8").splitlines()]
    assert [(line["method"], line["operation"], line["status"]) for line in lines] == [
        ("POST", "authorize", 200), ("GET", "read", 200), ("POST", "void", 409),
    ]  # fmt: skip
    assert lines[0]["request"]["card"] == CARD | {"number": "424242******4242", "cvc": "***", "name": "masked"}
    cases = yaml.safe_load((tmp_path / "cases.yaml").read_text("utf-8"))["cases"]
    assert [(case["kind"], case.get("read", False), case["status"]) for case in cases] == [
        ("authorize", False, 200), ("authorize", True, 200), ("void", False, 409),
    ]  # fmt: skip
    assert cases[0]["body"]["id"] == charge["id"]
    assert cases[0]["outcome"] is None
    assert cases[2]["body"]["error"]["type"] == "wrong_state"


async def test_an_upstream_that_does_not_answer_leaves_no_trace(tmp_path: Path) -> None:
    recorder = Recorder("http://127.0.0.1:1", Recording(tmp_path / "out", operations(None)))
    url = await recorder.start()
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/v1/charges") as answer:
            assert answer.status == 502
    finally:
        await recorder.stop()
    assert not (tmp_path / "out").exists()


def test_a_recording_is_judged_like_a_simulator(tmp_path: Path) -> None:
    recording = Recording(tmp_path, operations(None))
    recording.keep("GET", "/v1/things/1?x=1", None, {"content-type": "application/json"}, 200, {"id": 1})
    thing: dict[str, Any] = {"properties": {"id": {"type": "string"}}}
    described = {"responses": {"200": {"content": {"application/json": {"schema": thing}}}}}
    spec = {"openapi": "3.1.0", "paths": {"/v1/things/{id}": {"get": described}}}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    words = ["--spec", str(tmp_path / "spec.json"), "--recorded", str(tmp_path / "exchanges.jsonl"), "--json"]
    done = RUN.invoke(app, ["conform", *words])
    assert done.exit_code == 1, done.output
    [found] = json.loads(done.stdout)["drift"]
    assert (found["operation"], found["pointer"]) == ("GET /v1/things/{id}", "/id")


def test_masking() -> None:
    assert masking.text("4242 4242 4242 4242, 4242-4242-4242-4242, 4242424242424241, a.b@c.example") == (
        "424242******4242, 424242******4242, 4242424242424241, masked@example.com"
    )
    form = masking.body(b"card[number]=4242424242424242&card[cvc]=737&amount=4200", "application/x-www-form-urlencoded")
    assert form == "card%5Bnumber%5D=424242%2A%2A%2A%2A%2A%2A4242&card%5Bcvc%5D=%2A%2A%2A&amount=4200"
    assert masking.body(b'{"client_secret": "x", "pan": 4242424242424242}', "application/json") == {
        "client_secret": "masked", "pan": "424242******4242",
    }  # fmt: skip
    assert masking.body(b"", "application/json") is None
    assert masking.body(b"{4242424242424242", "application/json") == "{424242******4242"
    assert masking.path("/v1/x?email=a@b.example&n=1") == "/v1/x?email=masked%40example.com&n=1"
