"""A simulated PSP does not forget: killed, it comes back with its journal, its payments and its stored answers."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp

from simulators.kit.testing import TestAccount, spawned
from tests.simulators.adyen.simulator import MASTERCARD, card


async def test_killed_and_started_again(tmp_path: Path) -> None:
    method = card(MASTERCARD, holderName="capture failed")
    async with spawned("adyen", state=tmp_path) as sims:
        account = await sims.account("adyen")
        merchant = account.view["settings"]["merchant_account"]
        pay = {
            "merchantAccount": merchant, "amount": {"currency": "EUR", "value": 4200}, "reference": "att_1",
            "returnUrl": "https://shop.example/", "paymentMethod": method, "captureDelayHours": 1,
            "storePaymentMethod": True, "shopperReference": "shopper-1",
        }  # fmt: skip
        first = await _post(account, "/v71/payments", pay, "key-1")
        await sims.kill()
    async with spawned("adyen", state=tmp_path) as sims:
        account = await sims.account("adyen", api_key=account.api_key)
        assert account.view["settings"] == {"merchant_account": merchant}
        assert await _post(account, "/v71/payments", pay, "key-1") == first
        await account.advance(3601)
        psp = json.loads(first)["pspReference"]
        refund = {"merchantAccount": merchant, "amount": {"currency": "EUR", "value": 1000}}
        await _post(account, f"/v71/payments/{psp}/refunds", refund, "key-2")
        moved = [(entry["kind"], entry["amount"]) for entry in await account.journal()]
        assert moved == [("authorize", 4200), ("capture", 4200), ("refund", 1000)]
    kept = await asyncio.to_thread(
        lambda: b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    )
    assert MASTERCARD.encode() not in kept
    assert b'"737"' not in kept
    assert MASTERCARD[:6].encode() in kept


async def _post(account: TestAccount, path: str, body: Any, key: str) -> bytes:
    headers = {"x-api-key": account.api_key, "idempotency-key": key}
    async with (
        aiohttp.ClientSession() as session,
        session.post(account.url + path, json=body, headers=headers) as answer,
    ):
        assert answer.status in (200, 201)
        return await answer.read()
