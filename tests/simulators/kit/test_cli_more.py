"""`payera sim`: what forces an outcome, documents, lifecycles, filling an account, moving things with data."""

import json
from collections.abc import AsyncIterator

import pytest

from simulators.kit.testing import Sims, running
from tests.simulators.kit.test_serving import sim


@pytest.fixture
async def sims() -> AsyncIterator[Sims]:
    async with running("dummypay", "stripe") as group:
        yield group


async def test_triggers_list_what_forces_an_outcome(sims: Sims) -> None:
    found = json.loads(await sim(sims, "triggers", "stripe", "--json"))
    lost = [one["then"] for one in found["triggers"] if one["when"].get("token") == "pm_card_chargeDeclinedLostCard"]
    assert lost == [{"decline": "lost_card"}]
    assert {"code": "lost_card", "iso": "41", "message": "lost_card"} in found["declines"]
    assert "dispute" in [one["name"] for one in found["actions"]]
    text = await sim(sims, "triggers", "dummypay")
    assert "Insufficient funds" in text
    assert "whatever was planned" in text
    assert "no simulator 'nobody'" in await sim(sims, "triggers", "nobody", code=1)


async def test_documents(sims: Sims) -> None:
    of_stripe = json.loads(await sim(sims, "openapi", "stripe"))
    assert (of_stripe["openapi"], of_stripe["servers"]) == ("3.1.0", [{"url": sims.urls["stripe"]}])
    own = json.loads(await sim(sims, "openapi"))
    assert set(own["paths"]["/v1/{slug}/accounts"]) == {"get", "post"}


async def test_seed_fills_an_account(sims: Sims) -> None:
    for slug in ("dummypay", "stripe"):
        account = await sims.account(slug)
        said = await sim(sims, "seed", slug, "-a", account.api_key, "--rounds", "2")
        kinds = [entry["kind"] for entry in await account.journal()]
        assert f"the journal has {len(kinds)} entries" in said
        assert {"charge", "capture", "refund", "void"} <= set(kinds)


async def test_lifecycle_and_settle_with_data(sims: Sims) -> None:
    account = await sims.account("stripe")
    await sim(sims, "lifecycle", "stripe", "{dispute: {after: 60}}", "-a", account.api_key)
    await sim(sims, "seed", "stripe", "-a", account.api_key)
    charged = next(entry["object"] for entry in await account.journal() if entry["kind"] == "charge")
    wanted = ("stripe", charged, "dispute", "--data", "{reason: duplicate, amount: 700}", "-a", account.api_key)
    await sim(sims, "settle", *wanted)
    assert [(e["kind"], e["amount"]) for e in await account.journal()][-1] == ("chargeback", 700)
    assert "is disputed already" in await sim(sims, "settle", *wanted, code=1)
    assert "not YAML" in await sim(sims, "settle", *wanted[:3], "--data", "{", "-a", account.api_key, code=1)
