"""Settlement from end to end: paid over the API, settled by the simulator, matched by reporting, read again."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.integration.api_world import VISA, Shop, World, request
from tests.integration.events_world import open_books, until
from tests.parts import Database, Parts

FEES = [{"kind": "sale", "currency": "EUR", "basis_points": 100, "fixed": 10}]
Json = dict[str, Any]


@pytest.fixture
def own_shop(world: World) -> Shop:
    return world.open_shop()


def paid(world: World, shop: Shop, amount: int, **more: Any) -> Json:
    body = {"amount": amount, "currency": "EUR", "card": VISA | {"exp_year": 2031}} | more
    answer = world.call("POST", "/v1/payments", body, key=shop.secret_key)
    assert answer.status_code == 201, answer.text
    view: Json = answer.json()
    return view


def file_of(world: World, shop: Shop) -> str:
    """The account's settlement file so far."""
    path = f"/v1/dummypay/accounts/{shop.psp['account']}/settlement"
    answer = request("GET", world.control + path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_file_is_handed_in_matched_and_read(
    world: World, own_shop: Shop, api_database: Database, parts: Parts, tmp_path: Path
) -> None:
    shop, account = own_shop, own_shop.account["id"]

    def get(path: str, **query: Any) -> Json:
        answer = request("GET", world.url + path, params=query, headers=shop.headers)
        assert answer.status_code == 200, answer.text
        view: Json = answer.json()
        return view

    first = paid(world, shop, 4_200)
    held = paid(world, shop, 9_900, capture_method="manual")
    assert world.call("POST", f"/v1/payments/{held['id']}/capture", {"amount": 5_000}, key=shop.secret_key).ok
    refund = world.call("POST", "/v1/refunds", {"payment": first["id"], "amount": 700}, key=shop.secret_key)
    assert refund.status_code == 201, refund.text
    fees = world.call("PUT", f"/v1/provider_accounts/{account}/fees", {"fees": FEES}, key=shop.secret_key)
    assert fees.json()["fees"] == get(f"/v1/provider_accounts/{account}/fees")["fees"] == FEES
    clean = file_of(world, shop)
    wrong = clean.replace(",4200,", ",4300,")
    assert clean != wrong

    query = f"/v1/settlements?provider_account={account}&tolerance_s=0"
    agreed = world.call_text(f"/v1/settlements?provider_account={account}", clean, shop.secret_key)
    assert (agreed["status"], agreed["lines"]) == ("received", None)
    doctored = world.call_text(query, wrong, shop.secret_key)
    async with open_books(api_database, parts, tmp_path) as books, books.running("reporting"):

        async def both() -> bool:
            views = [get(f"/v1/settlements/{one['id']}") for one in (agreed, doctored)]
            return all(view["status"] == "reconciled" for view in views)

        await until(both)
    view = get(f"/v1/settlements/{agreed['id']}")
    assert (view["lines"], view["matched"], view["discrepancies"], view["by_kind"]) == (3, 3, 0, {})
    totals = {"currency": "EUR", "sales": 9_200, "refunds": 700, "chargebacks": 0, "fees": 112, "net": 8_388}
    assert view["totals"] == [totals | {"paid_out": None}]

    # Every line of the second file was settled by the first one.
    found = get(f"/v1/settlements/{doctored['id']}/discrepancies", limit=100)["data"]
    assert [one["kind"] for one in found] == ["duplicate_line"] * 3
    assert found[0]["payment"] == first["id"]
    assert found[0]["expected"]["amount"] == 4_200
    assert found[0]["found"]["amount"] == 4_300
    assert get(f"/v1/settlements/{doctored['id']}/discrepancies", kind="amount_mismatch")["data"] == []
    assert [one["id"] for one in get("/v1/settlements")["data"]] == [doctored["id"], agreed["id"]]


@pytest.mark.parametrize(
    ("text", "media_type", "status", "code"),
    [
        ("not,a,settlement\n1,2,3\n", "text/csv", 422, "settlement_unreadable"),
        ("", "text/csv", 400, "malformed_body"),
        ("a\x00b", "text/csv", 400, "malformed_body"),
        ("{}", "application/json", 415, "unsupported_media_type"),
    ],
)
def test_what_is_no_file_is_refused(
    world: World, shop: Shop, text: str, media_type: str, status: int, code: str
) -> None:
    headers = shop.headers | {"Content-Type": media_type}
    url = f"{world.url}/v1/settlements?provider_account={shop.account['id']}"
    answer = request("POST", url, data=text.encode(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("period", ["from=2026-13-01", "from=2026-11-02&to=2026-11-01"])
def test_a_period_that_is_none_is_refused(world: World, shop: Shop, period: str) -> None:
    url = f"{world.url}/v1/settlements?provider_account={shop.account['id']}&{period}"
    text = file_of(world, shop)
    answer = request("POST", url, data=text.encode(), headers=shop.headers | {"Content-Type": "text/csv"})
    assert (answer.status_code, answer.json()["code"]) == (422, "period_invalid")


def test_fees_are_one_per_kind_and_currency(world: World, shop: Shop) -> None:
    path = f"/v1/provider_accounts/{shop.account['id']}/fees"
    answer = world.call("PUT", path, {"fees": FEES * 2}, key=shop.secret_key)
    assert (answer.status_code, answer.json()["code"]) == (422, "fee_repeated")


async def test_daily_totals_count_what_was_reported(
    world: World, own_shop: Shop, api_database: Database, parts: Parts, tmp_path: Path
) -> None:
    shop = own_shop
    for _ in range(2):
        paid(world, shop, 1_500)
    async with open_books(api_database, parts, tmp_path) as books:
        events = [row["event"] for row in await books.rows("select event from core.event where merchant = $1", shop.id)]

        await books.store.system("report_events_v1", {"events": [orjson.loads(event) for event in events]})
    day = orjson.loads(events[0])["time"][:10]
    url = f"{world.url}/v1/reports/daily_totals"
    answer = request("GET", url, params={"from": day, "to": day}, headers=shop.headers)
    told = [(row["type"], row["count"], row["amount"], row["currency"]) for row in answer.json()["data"]]
    assert told == [("payment.captured", 2, 3_000, "EUR"), ("payment.created", 2, 3_000, "EUR")]
    for period in ({"from": day, "to": "2020-01-01"}, {"from": "2020-02-31", "to": day}, {"from": "x", "to": day}):
        assert request("GET", url, params=period, headers=shop.headers).status_code == 422
