"""A simulated PSP does not forget: killed, it comes back with its journal, its objects and its stored answers."""

import asyncio
from pathlib import Path

import aiohttp

from simulators.kit.testing import spawned


async def test_killed_and_started_again(tmp_path: Path) -> None:
    number = "4000056655665556"
    card = f"payment_method_data[type]=card&payment_method_data[card][number]={number}"
    pay = f"amount=4200&currency=eur&confirm=true&{card}&payment_method_data[card][exp_month]=1"
    pay += "&payment_method_data[card][exp_year]=2034&payment_method_data[card][cvc]=987&capture_method=manual"
    async with spawned("stripe", state=tmp_path) as sims:
        account = await sims.account("stripe")
        first = await _post(account.url, account.api_key, "/v1/payment_intents", pay, "key-1")
        await sims.kill()
    async with spawned("stripe", state=tmp_path) as sims:
        account = await sims.account("stripe", api_key=account.api_key)
        again = await _post(account.url, account.api_key, "/v1/payment_intents", pay, "key-1")
        assert again == first
        identifier = first.partition(b'"id":"')[2].partition(b'"')[0].decode()
        path = f"/v1/payment_intents/{identifier}/capture"
        captured = await _post(account.url, account.api_key, path, "", "key-2")
        assert b'"status":"succeeded"' in captured
        entries = await account.journal()
        assert [(entry["kind"], entry["amount"]) for entry in entries] == [("authorize", 4200), ("capture", 4200)]
    kept = await asyncio.to_thread(
        lambda: b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    )
    assert number.encode() not in kept
    assert b'"987"' not in kept
    assert b"400005" in kept


async def _post(url: str, key: str, path: str, body: str, idempotency_key: str) -> bytes:
    headers = {
        "authorization": f"Bearer {key}",
        "idempotency-key": idempotency_key,
        "content-type": "application/x-www-form-urlencoded",
    }
    async with aiohttp.ClientSession() as session, session.post(url + path, data=body, headers=headers) as answer:
        assert answer.status == 200
        return await answer.read()
