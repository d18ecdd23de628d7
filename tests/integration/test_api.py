"""The API from outside: a real api process, PostgreSQL, and the dummypay simulator."""

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any

import aiohttp

from gateway.domain.ids import new_id
from tests.integration.api_world import ADMIN_KEY, VISA, Json, Shop, World


def pay(world: World, shop: Shop, status: int = 201, **more: Any) -> Json:
    body = {"amount": 4200, "currency": "EUR", "card": VISA} | more
    answer = world.call("POST", "/v1/payments", body, key=shop.secret_key)
    assert answer.status_code == status, answer.text
    payment: Json = answer.json()
    return payment


def moved(world: World, shop: Shop, payment: Json) -> list[tuple[str, int]]:
    """What the PSP's journal says of one payment."""
    return [(entry["kind"], entry["amount"]) for entry in world.journal(shop) if entry["payment"] == payment["id"]]


def problem(answer: Any, status: int, code: str) -> Json:
    """Check that an answer is this problem."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    document: Json = answer.json()
    assert (document["status"], document["code"], document["type"]) == (status, code, f"urn:payera:problem:{code}")
    assert document["title"]
    assert document["detail"]
    assert document["instance"] == f"urn:payera:trace:{answer.headers['trace-id']}"
    return document


# Payments -------------------------------------------------------------------------------------------------------------


def test_a_card_payment_is_captured(world: World, shop: Shop) -> None:
    payment = pay(world, shop, reference="order 1", metadata={"basket": "7"})
    assert payment["status"] == "captured"
    assert (payment["amount"], payment["amount_authorized"], payment["amount_captured"]) == (4200, 4200, 4200)
    assert payment["card"] == {"brand": "visa", "bin": "424242", "last4": "4242", "exp_month": 12, "exp_year": 2030}
    assert (payment["reference"], payment["metadata"], payment["provider"]) == ("order 1", {"basket": "7"}, "dummypay")
    assert moved(world, shop, payment) == [("charge", 4200)]
    path = f"/v1/payments/{payment['id']}"
    assert world.call("GET", path, key=shop.secret_key).json() == payment
    (attempt,) = world.call("GET", f"{path}/attempts", key=shop.secret_key).json()["data"]
    assert (attempt["status"], attempt["outcomes"], attempt["provider"]) == ("approved", ["approved"], "dummypay")
    (posted,) = world.call("GET", f"{path}/ledger", key=shop.secret_key).json()["data"]
    assert [(line["account"], line["amount"]) for line in posted["lines"]] == [
        ("psp:dummypay:receivable", 4200),
        ("merchant:payable", -4200),
    ]
    events = world.call("GET", f"{path}/events", key=shop.secret_key).json()["data"]
    assert [(event["type"], event["sequence"]) for event in events] == [
        ("payment.created", 1),
        ("payment.captured", 2),
    ]


def test_a_token_pays_twice(world: World, shop: Shop) -> None:
    made = world.call("POST", "/v1/tokens", {"card": VISA}, key=shop.publishable_key)
    assert made.status_code == 201
    token = made.json()
    assert set(token["card"]) == {"brand", "bin", "last4", "exp_month", "exp_year", "fingerprint"}
    assert world.call("GET", f"/v1/tokens/{token['id']}", key=shop.secret_key).json() == token
    for _ in range(2):
        payment = pay(world, shop, card=None, token=token["id"])
        assert (payment["status"], payment["token"]) == ("captured", token["id"])


def test_manual_capture_in_parts_then_refunds(world: World, shop: Shop) -> None:
    payment = pay(world, shop, capture_method="manual")
    assert (payment["status"], payment["amount_captured"]) == ("authorized", 0)
    capture = f"/v1/payments/{payment['id']}/capture"
    problem(world.call("POST", capture, {"amount": 4201}, key=shop.secret_key), 422, "amount_exceeds_authorized")
    part = world.call("POST", capture, {"amount": 1000, "final": False}, key=shop.secret_key)
    assert (part.status_code, part.json()["status"], part.json()["amount_captured"]) == (
        201,
        "partially_captured",
        1000,
    )
    rest = world.call("POST", capture, key=shop.secret_key)
    assert (rest.status_code, rest.json()["status"], rest.json()["amount_captured"]) == (201, "captured", 4200)
    problem(world.call("POST", capture, {}, key=shop.secret_key), 409, "payment_not_capturable")

    body = {"payment": payment["id"], "amount": 200, "reason": "late", "metadata": {"a": "b"}}
    refund = world.call("POST", "/v1/refunds", body, key=shop.secret_key)
    assert refund.status_code == 201
    view = refund.json()
    assert (view["status"], view["amount"], view["reason"], view["metadata"]) == ("succeeded", 200, "late", {"a": "b"})
    assert world.call("GET", f"/v1/refunds/{view['id']}", key=shop.secret_key).json() == view
    full = world.call("POST", "/v1/refunds", {"payment": payment["id"]}, key=shop.secret_key)
    assert (full.status_code, full.json()["amount"]) == (201, 4000)
    again = world.call("POST", "/v1/refunds", {"payment": payment["id"], "amount": 1}, key=shop.secret_key)
    problem(again, 422, "amount_exceeds_captured")
    listed = world.call("GET", f"/v1/refunds?payment={payment['id']}", key=shop.secret_key).json()
    assert [entry["amount"] for entry in listed["data"]] == [4000, 200]
    assert moved(world, shop, payment) == [
        ("authorize", 4200),
        ("capture", 1000),
        ("capture", 3200),
        ("refund", 200),
        ("refund", 4000),
    ]
    assert world.call("GET", f"/v1/payments/{payment['id']}", key=shop.secret_key).json()["amount_refunded"] == 4200


def test_a_cancel_releases_the_authorization(world: World, shop: Shop) -> None:
    payment = pay(world, shop, capture_method="manual")
    canceled = world.call("POST", f"/v1/payments/{payment['id']}/cancel", {"reason": "sold out"}, key=shop.secret_key)
    assert (canceled.status_code, canceled.json()["status"]) == (201, "canceled")
    assert [kind for kind, _ in moved(world, shop, payment)] == ["authorize", "void"]
    again = world.call("POST", f"/v1/payments/{payment['id']}/cancel", key=shop.secret_key)
    problem(again, 409, "payment_not_cancelable")


def test_a_decline_is_an_answer(world: World) -> None:
    shop = world.open_shop()
    world.fault(shop, {"operation": "authorize"}, {"action": "decline", "code": "51"})
    payment = pay(world, shop)
    assert (payment["status"], payment["amount_captured"]) == ("declined", 0)
    assert payment["decline"]["reason"] == "insufficient_funds"
    assert payment["decline"]["advice"] == "schedule"
    assert [kind for kind, _ in moved(world, shop, payment)] in ([], ["decline"])


def test_a_lost_answer_is_processing_never_failed(world: World) -> None:
    """No worker runs here, so nobody resolves it: the answer after the budget is what is known."""
    shop = world.open_shop()
    world.fault(shop, {"operation": "authorize"}, {"action": "commit_then_lose_response", "lose": "reset"})
    started = time.monotonic()
    payment = pay(world, shop, status=202)
    assert payment["status"] == "processing"
    assert time.monotonic() - started < 8
    (attempt,) = world.call("GET", f"/v1/payments/{payment['id']}/attempts", key=shop.secret_key).json()["data"]
    assert (attempt["status"], attempt["outcomes"]) == ("unknown", ["unknown"])
    assert moved(world, shop, payment) == [("charge", 4200)]
    recorded = world.call("POST", f"/v1/payments/{payment['id']}/cancel", key=shop.secret_key)
    assert (recorded.status_code, recorded.json()["cancel_requested"]) == (202, True)


def test_a_refused_connection_fails_at_once(world: World) -> None:
    shop = world.open_shop(routing=False)
    body = {"provider": "dummypay", "base_url": "http://127.0.0.1:1", "credentials": {"api_key": "k"}}
    dead = world.call("POST", "/v1/provider_accounts", body, key=shop.secret_key).json()["id"]
    order = {"providers": [dead], "max_fallbacks": 0}
    assert world.call("PUT", "/v1/routing", order, key=shop.secret_key).json()["providers"] == [dead]
    payment = pay(world, shop)
    assert payment["status"] == "failed"
    (attempt,) = world.call("GET", f"/v1/payments/{payment['id']}/attempts", key=shop.secret_key).json()["data"]
    assert attempt["status"] == "not_sent"


# Idempotency ----------------------------------------------------------------------------------------------------------


def test_a_replay_is_the_same_bytes(world: World, shop: Shop) -> None:
    body = {"amount": 100, "currency": "EUR", "card": VISA}
    headers = {"Idempotency-Key": "replay-1"}
    first = world.call("POST", "/v1/payments", body, key=shop.secret_key, headers=headers)
    again = world.call("POST", "/v1/payments", body, key=shop.secret_key, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    # The CVV is no part of what is compared, since nothing of it may be kept.
    other_cvc = body | {"card": VISA | {"cvc": "999"}}
    third = world.call("POST", "/v1/payments", other_cvc, key=shop.secret_key, headers=headers)
    assert third.content == first.content
    other_card = body | {"card": VISA | {"exp_year": 2031}}
    refused = world.call("POST", "/v1/payments", other_card, key=shop.secret_key, headers=headers)
    problem(refused, 409, "idempotency_key_reused")
    assert len(moved(world, shop, first.json())) == 1


def test_the_same_key_serves_each_operation_and_each_merchant(world: World, shop: Shop) -> None:
    headers = {"Idempotency-Key": "shared"}
    body = {"amount": 300, "currency": "EUR", "card": VISA, "capture_method": "manual"}
    payment = world.call("POST", "/v1/payments", body, key=shop.secret_key, headers=headers).json()
    capture = f"/v1/payments/{payment['id']}/capture"
    answers = [world.call("POST", capture, {"amount": 300}, key=shop.secret_key, headers=headers) for _ in range(2)]
    assert answers[0].content == answers[1].content
    refund = {"payment": payment["id"], "amount": 10}
    refunds = [world.call("POST", "/v1/refunds", refund, key=shop.secret_key, headers=headers) for _ in range(3)]
    assert len({answer.content for answer in refunds}) == 1
    assert [entry for entry in moved(world, shop, payment) if entry[0] != "authorize"] == [
        ("capture", 300),
        ("refund", 10),
    ]
    elsewhere = world.call("POST", "/v1/payments", body, key=world.open_shop().secret_key, headers=headers)
    assert elsewhere.json()["id"] != payment["id"]


async def test_a_hundred_parallel_requests_with_one_key(world: World, shop: Shop) -> None:
    """Acceptance 7: one payment, a hundred identical answers, one entry in the PSP's journal."""
    body = {"amount": 777, "currency": "EUR", "card": VISA, "reference": "hundred"}
    headers = shop.headers | {"Idempotency-Key": "hundred"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(world.url, connector=connector, headers=headers) as client:

        async def once(sent: Json) -> tuple[int, bytes, bool]:
            async with client.post("/v1/payments", json=sent) as answer:
                return answer.status, await answer.read(), "Idempotent-Replayed" in answer.headers

        answers = await asyncio.gather(*(once(body) for _ in range(100)))
        assert {status for status, _, _ in answers} == {201}
        assert len({content for _, content, _ in answers}) == 1
        assert [replayed for _, _, replayed in answers].count(False) == 1
        status, content, _ = await once(body | {"amount": 778})
        assert (status, json.loads(content)["code"]) == (409, "idempotency_key_reused")
    payment = json.loads(answers[0][1])
    assert moved(world, shop, payment) == [("charge", 777)]
    listed = world.call("GET", "/v1/payments?reference=hundred", key=shop.secret_key).json()
    assert [entry["id"] for entry in listed["data"]] == [payment["id"]]


# Lists ----------------------------------------------------------------------------------------------------------------


def test_lists_go_page_by_page(world: World) -> None:
    shop = world.open_shop()
    made = [pay(world, shop, amount=100 + n)["id"] for n in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        listed = world.call("GET", f"/v1/payments?limit=2{cursor}", key=shop.secret_key).json()
        assert listed["object"] == "list"
        seen += [payment["id"] for payment in listed["data"]]
        if not listed["has_more"]:
            break
        cursor = f"&cursor={listed['next_cursor']}"
    assert seen == made[::-1]
    assert world.call("GET", "/v1/payments?status=declined", key=shop.secret_key).json()["data"] == []
    events = world.call("GET", "/v1/events?limit=100", key=shop.secret_key).json()["data"]
    assert len(events) == 10
    event = events[0]
    assert world.call("GET", f"/v1/events/{event['id']}", key=shop.secret_key).json() == event


# Webhook endpoints, provider accounts, routing ------------------------------------------------------------------------


def test_webhook_endpoints(world: World, shop: Shop) -> None:
    made = world.call("POST", "/v1/webhook_endpoints", {"url": "http://127.0.0.1:9/x"}, key=shop.secret_key)
    assert made.status_code == 201
    endpoint = made.json()
    secret = endpoint.pop("secret")
    assert secret.startswith("whsec_")
    assert (endpoint["enabled_events"], endpoint["status"]) == (["*"], "enabled")
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    assert world.call("GET", path, key=shop.secret_key).json() == endpoint
    changed = world.call(
        "PATCH", path, {"status": "disabled", "enabled_events": ["payment.captured"]}, key=shop.secret_key
    )
    assert (changed.json()["status"], changed.json()["enabled_events"]) == ("disabled", ["payment.captured"])
    refused = world.call("POST", "/v1/webhook_endpoints", {"url": "http://10.0.0.1/"}, key=shop.secret_key)
    assert problem(refused, 422, "url_not_allowed")["errors"][0]["where"] == "url"
    assert world.call("DELETE", path, key=shop.secret_key).json()["deleted"] is True
    problem(world.call("GET", path, key=shop.secret_key), 404, "webhook_endpoint_not_found")
    assert world.call("GET", "/v1/webhook_deliveries", key=shop.secret_key).json()["data"] == []


def test_provider_accounts(world: World, shop: Shop) -> None:
    account = shop.account
    assert account["webhook_path"] == f"/webhooks/dummypay/{account['id']}"
    assert shop.psp["api_key"] not in json.dumps(account)
    path = f"/v1/provider_accounts/{account['id']}"
    assert world.call("GET", path, key=shop.secret_key).json() == account
    body = {"provider": "nobody", "base_url": "http://127.0.0.1:1", "credentials": {"api_key": "k"}}
    problem(world.call("POST", "/v1/provider_accounts", body, key=shop.secret_key), 422, "unknown_provider")
    odd = body | {"provider": "dummypay", "credentials": {"pin": "1"}}
    problem(world.call("POST", "/v1/provider_accounts", odd, key=shop.secret_key), 422, "unknown_credential")
    settings = body | {"provider": "dummypay", "settings": {"resolution": {"max_processing_s": 0.5}, "region": "eu"}}
    made = world.call("POST", "/v1/provider_accounts", settings, key=shop.secret_key).json()
    assert made["settings"] == {"resolution": {"max_processing_s": 0.5}, "region": "eu"}
    assert world.call("DELETE", f"/v1/provider_accounts/{made['id']}", key=shop.secret_key).json()["deleted"] is True
    listed = world.call("GET", "/v1/provider_accounts", key=shop.secret_key).json()["data"]
    assert account["id"] in [entry["id"] for entry in listed]
    assert made["id"] not in [entry["id"] for entry in listed]


def test_no_route_is_said(world: World) -> None:
    made = world.call("POST", "/v1/merchants", {"name": "New"}, key=ADMIN_KEY).json()
    body = {"amount": 1, "currency": "EUR", "card": VISA}
    problem(world.call("POST", "/v1/payments", body, key=made["secret_key"]), 422, "no_route")
    unknown = world.call("PUT", "/v1/routing", {"providers": ["stripe"]}, key=made["secret_key"])
    problem(unknown, 422, "provider_account_not_found")


# Notifications --------------------------------------------------------------------------------------------------------


def signed(shop: Shop, body: bytes, at: int | None = None) -> dict[str, str]:
    stamp = at or int(time.time())
    secret = shop.psp["webhook_secret"].encode()
    mac = hmac.new(secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Dummypay-Signature": f"t={stamp},v1={mac}", "Content-Type": "application/json"}


async def test_notifications_are_verified_and_stored(world: World, shop: Shop) -> None:
    path = shop.account["webhook_path"]
    body = json.dumps({"id": "evt_x", "type": "charge.succeeded", "data": {"id": "ch_x", "reference": "r"}}).encode()
    async with aiohttp.ClientSession(world.url) as client:

        async def send(to: str, headers: dict[str, str]) -> tuple[int, Any]:
            async with client.post(to, data=body, headers=headers) as answer:
                return answer.status, await answer.json(content_type=None)

        good = signed(shop, body)
        assert (await send(path, good))[0] == 200
        assert (await send(path, good))[0] == 200  # the PSP repeats itself
        stale = signed(shop, body, int(time.time()) - 301)
        for wrong in ({}, {"Dummypay-Signature": "t=1,v1=00"}, signed(shop, body + b" "), stale):
            status, answer = await send(path, wrong)
            assert (status, answer["code"]) == (401, "bad_signature")
            assert answer["detail"] == "The signature does not hold."
        assert (await send(f"/webhooks/dummypay/{new_id('pa')}", good))[0] == 404
        assert (await send(path.replace("dummypay", "stripe"), good))[0] == 404
        assert (await send("/webhooks/dummypay/x", good))[0] == 404


def test_a_notification_is_answered_as_the_psp_wants_it(world: World, shop: Shop) -> None:
    secret = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"  # an example that Adyen publishes
    account: Json = {"provider": "adyen", "base_url": "http://127.0.0.1:1"}
    account["credentials"] = {"api_key": "key", "webhook_secret": secret}
    document = problem(
        world.call("POST", "/v1/provider_accounts", account, key=shop.secret_key), 422, "setting_missing"
    )
    assert document["errors"][0]["where"] == "settings.merchant_account"
    account["settings"] = {"merchant_account": "TestMerchant"}
    made = world.call("POST", "/v1/provider_accounts", account, key=shop.secret_key).json()
    item: Json = {
        "pspReference": "7914073381342284",
        "merchantAccountCode": "TestMerchant",
        "merchantReference": "TestPayment-1407325143704",
        "amount": {"value": 1130, "currency": "EUR"},
        "eventCode": "AUTHORISATION",
        "success": "true",
        "additionalData": {"hmacSignature": "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="},
    }
    told = {"live": "false", "notificationItems": [{"NotificationRequestItem": item}]}
    answer = world.call("POST", made["webhook_path"], told)
    assert (answer.status_code, answer.text) == (200, "[accepted]")
    assert answer.headers["content-type"].startswith("text/plain")
    item["success"] = "false"
    problem(world.call("POST", made["webhook_path"], told), 401, "bad_signature")


# Tenants and secrets --------------------------------------------------------------------------------------------------


def test_another_merchants_ids_do_not_exist(world: World, shop: Shop) -> None:
    payment = pay(world, shop, capture_method="manual")
    token = world.call("POST", "/v1/tokens", {"card": VISA}, key=shop.secret_key).json()
    stranger = world.open_shop()

    def ask(method: str, path: str, body: Any = None) -> Json:
        answer = world.call(method, path, body, key=stranger.secret_key)
        document: Json = answer.json() | {"instance": ""}
        return {"status": answer.status_code} | document

    absent = new_id("pay")
    for method, path in (
        ("GET", "/v1/payments/{}"),
        ("GET", "/v1/payments/{}/attempts"),
        ("GET", "/v1/payments/{}/operations"),
        ("GET", "/v1/payments/{}/ledger"),
        ("GET", "/v1/payments/{}/events"),
        ("POST", "/v1/payments/{}/capture"),
        ("POST", "/v1/payments/{}/cancel"),
    ):
        theirs = ask(method, path.format(payment["id"]))
        assert theirs == ask(method, path.format(absent))
        assert (theirs["status"], theirs["code"]) == (404, "payment_not_found")
    assert ask("POST", "/v1/refunds", {"payment": payment["id"]}) == ask("POST", "/v1/refunds", {"payment": absent})
    body = {"amount": 1, "currency": "EUR"}
    stolen = ask("POST", "/v1/payments", body | {"token": token["id"]})
    assert stolen == ask("POST", "/v1/payments", body | {"token": new_id("tok")})
    assert ask("DELETE", f"/v1/provider_accounts/{shop.account['id']}")["status"] == 404


def test_the_cards_are_nowhere(world: World, shop: Shop) -> None:
    pay(world, shop)
    log = world.log.read_text()
    for secret in (VISA["number"], shop.secret_key, shop.psp["api_key"], ADMIN_KEY):
        assert str(secret) not in log


async def test_no_cvv_outlives_its_authorization(world: World, shop: Shop) -> None:
    before = set((world.keys / "cvv").iterdir())
    for body in ({}, {"amount": 10**12}, {"card": VISA | {"number": "4242424242424241"}}):
        sent = {"amount": 100, "currency": "EUR", "card": VISA} | body
        world.call("POST", "/v1/payments", sent, key=shop.secret_key)
    assert set((world.keys / "cvv").iterdir()) <= before
