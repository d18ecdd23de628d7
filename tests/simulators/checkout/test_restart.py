"""A simulated PSP does not forget: killed, it comes back with its journal, its objects and its stored answers."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp

from simulators.kit.testing import TestAccount, spawned
from tests.simulators.checkout.simulator import card, pay

NUMBER = "4659105569051157"


async def test_killed_and_started_again(tmp_path: Path) -> None:
    body = pay(source=card(NUMBER, cvv="987"), capture=False, reference="att_1")
    async with spawned("checkout", state=tmp_path) as sims:
        account = await sims.account("checkout")
        before = account.view
        first = await _post(account, "/payments", body, "key-1")
        token = json.loads(await _post(account, "/tokens", card(NUMBER, cvv="987"), key=before["publishable_key"]))
        await account.control("PUT", "/lifecycle", {"capture": {"after": 60}})
        identifier = json.loads(first)["id"]
        await _post(account, f"/payments/{identifier}/captures", {"amount": 1000}, "key-2")
        await sims.kill()
    async with spawned("checkout", state=tmp_path) as sims:
        account = await sims.account("checkout", api_key=before["api_key"])
        same = ("api_key", "webhook_secret", "publishable_key", "settings")
        assert {name: account.view[name] for name in same} == {name: before[name] for name in same}
        assert await _post(account, "/payments", body, "key-1") == first
        await account.advance(61)
        source = {"type": "token", "token": token["token"]}
        assert b'"approved":true' in await _post(account, "/payments", pay(source=source, capture=False))
        entries = await account.journal()
        assert [(entry["kind"], entry["amount"]) for entry in entries] == [
            ("authorize", 4200),
            ("capture", 1000),
            ("authorize", 4200),
        ]
    kept = await asyncio.to_thread(lambda: b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()))
    assert NUMBER.encode() not in kept
    assert b"987" not in kept.replace(b"1795", b"")
    assert b"465910" in kept


async def _post(
    account: TestAccount, path: str, body: Any, idempotency_key: str | None = None, key: str | None = None
) -> bytes:
    headers = {"authorization": f"Bearer {key or account.api_key}"}
    if idempotency_key is not None:
        headers["cko-idempotency-key"] = idempotency_key
    async with aiohttp.ClientSession() as session, session.post(account.url + path, json=body, headers=headers) as got:
        assert got.status in (201, 202)
        return await got.read()
