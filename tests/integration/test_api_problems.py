"""Goal: whatever is sent, the answer is a problem that names what is wrong and repeats nothing of it."""

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.domain.ids import new_id
from tests.integration.api_world import ADMIN_KEY, VISA, Shop, World, request
from tests.integration.test_api import problem


def send(world: World, shop: Shop, data: bytes, **headers: str) -> Any:
    sent = shop.headers | {"Content-Type": "application/json"} | headers
    return request("POST", world.url + "/v1/payments", data=data, headers=sent)


@pytest.mark.parametrize("path", ["/", "/v2/payments", "/favicon.ico", "/docs", "/v1", "/payments/"])
def test_unknown_addresses(world: World, path: str) -> None:
    problem(world.call("GET", path), 404, "route_not_found")


def test_unknown_addresses_behind_the_door(world: World, shop: Shop) -> None:
    problem(world.call("GET", "/v1/nothing"), 401, "unauthenticated")
    problem(world.call("GET", "/v1/nothing", key=shop.secret_key), 404, "route_not_found")
    problem(world.call("GET", "/v1/payments/", key=shop.secret_key), 404, "route_not_found")


def test_unused_verbs(world: World, shop: Shop) -> None:
    answer = world.call("DELETE", "/v1/payments", key=shop.secret_key)
    problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) & {"GET", "POST"}
    problem(world.call("TRACE", "/healthz"), 405, "method_not_allowed")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic c2s6",
        "Bearer sk_test_wrong",
        "Bearer sk_live_x",
        "Bearer \xff",
        "sk_test_x",
    ],
)
def test_who_is_calling(world: World, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    answer = request("GET", world.url + "/v1/payments", headers=headers)
    problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_which_key_may_do_what(world: World, shop: Shop) -> None:
    for method, path in (("GET", "/v1/payments"), ("GET", f"/v1/tokens/{new_id('tok')}"), ("PUT", "/v1/routing")):
        problem(world.call(method, path, key=shop.publishable_key, body={}), 403, "key_not_allowed")
        problem(world.call(method, path, key=ADMIN_KEY, body={}), 403, "key_not_allowed")
    problem(world.call("POST", "/v1/merchants", {"name": "x"}, key=shop.secret_key), 403, "key_not_allowed")
    problem(world.call("POST", "/v1/tokens", {"card": VISA}, key=ADMIN_KEY), 403, "key_not_allowed")


@pytest.mark.parametrize(
    "data",
    [b"{", b"\xff\xfe", b'{"amount": \xff}', b"[" * 50_000, b'{"amount": ' + b"9" * 5000 + b"}", b"nonsense"],
    ids=["cut", "not utf-8", "not utf-8 inside", "deep", "huge number", "no json"],
)
def test_bodies_that_cannot_be_read(world: World, shop: Shop, data: bytes) -> None:
    problem(send(world, shop, data), 400, "malformed_body")


def test_bodies_of_another_type_or_size(world: World, shop: Shop) -> None:
    problem(
        send(world, shop, b"amount=1", **{"Content-Type": "application/x-www-form-urlencoded"}),
        415,
        "unsupported_media_type",
    )
    problem(send(world, shop, b" " * 70_000), 413, "body_too_large")

    def pieces() -> Iterator[bytes]:
        for _ in range(70):
            yield b" " * 1000

    chunked = request(
        "POST",
        world.url + "/v1/payments",
        data=pieces(),
        headers=shop.headers | {"Content-Type": "application/json"},
    )
    problem(chunked, 413, "body_too_large")


GOOD: dict[str, Any] = {"amount": 100, "currency": "EUR", "card": VISA}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -5}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"amount": "100"}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": 10**15}, "amount"),
        ({"amount": None}, "amount"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "XXX"}, "currency"),
        ({"currency": 5}, "currency"),
        ({"capture_method": "later"}, "capture_method"),
        ({"status": "captured"}, "status"),
        ({"amount_captured": 100}, "amount_captured"),
        ({"merchant": "mer_x"}, "merchant"),
        ({"token": "tok_1"}, "token"),
        ({"token": new_id("tok")}, "body"),
        ({"card": None}, "body"),
        ({"card": VISA | {"track2": "x"}}, "card.track2"),
        ({"card": VISA | {"number": 4242424242424242}}, "card.number"),
        ({"card": VISA | {"number": "4242424242424241"}}, "card.number"),
        ({"card": VISA | {"number": "4556737586899855"}}, "card.number"),
        ({"card": VISA | {"cvc": "12"}}, "card.cvc"),
        ({"card": VISA | {"cvc": 123}}, "card.cvc"),
        ({"card": VISA | {"exp_month": 13}}, "card.exp_month"),
        ({"card": VISA | {"exp_year": 2020}}, "card.exp_year"),
        ({"card": VISA | {"holder_name": "a\u0000b"}}, "card.holder_name"),
        ({"reference": "a\nb"}, "reference"),
        ({"reference": ""}, "reference"),
        ({"description": "x" * 1001}, "description"),
        ({"metadata": {"k": "v\u0000"}}, "metadata.k"),
        ({"metadata": {"k": 1}}, "metadata.k"),
        ({"metadata": {str(n): "v" for n in range(51)}}, "metadata"),
        ({"metadata": {"k" * 41: "v"}}, "metadata." + "k" * 41 + ".[key]"),
    ],
)
def test_fields_that_are_wrong(world: World, shop: Shop, change: dict[str, Any], where: str) -> None:
    answer = world.call("POST", "/v1/payments", GOOD | change, key=shop.secret_key)
    document = answer.json()
    assert answer.status_code == 422, document
    assert document["code"] in {"invalid_request", "invalid_card", "live_card_refused"}
    assert where in [error["where"] for error in document["errors"]]
    assert all(error["what"] and error["how"] for error in document["errors"])
    for secret in ("4242424242424242", "4242424242424241", "4556737586899855"):
        assert secret not in answer.text


def test_lone_surrogates_and_cards_as_names(world: World, shop: Shop) -> None:
    surrogate = json.dumps(GOOD | {"reference": "\ud800"}).encode()
    problem(send(world, shop, surrogate), 422, "invalid_request")
    named = json.dumps(GOOD | {"\ud800": 1}).encode()
    problem(send(world, shop, named), 422, "invalid_request")
    as_name = send(world, shop, json.dumps(GOOD | {"4242424242424242": 1}).encode())
    assert [error["where"] for error in problem(as_name, 422, "invalid_request")["errors"]] == ["***"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "caf\xe9"])
def test_idempotency_keys_that_are_wrong(world: World, shop: Shop, key: str) -> None:
    answer = send(world, shop, json.dumps(GOOD).encode(), **{"Idempotency-Key": key.encode("latin-1")})  # type: ignore[arg-type]  # raw bytes
    document = problem(answer, 422, "invalid_request")
    assert document["errors"][0]["where"] == "header.Idempotency-Key"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/payments?limit=0",
        "/v1/payments?limit=101",
        "/v1/payments?limit=x",
        "/v1/payments?cursor=x",
        "/v1/payments?cursor=%00",
        "/v1/payments?status=paid",
        "/v1/payments?reference=%00",
        "/v1/refunds?payment=x",
        "/v1/events?cursor=evt_01m820e6453533z6xf1ffgw7nq",
        "/v1/webhook_deliveries?status=lost",
    ],
)
def test_queries_that_are_wrong(world: World, shop: Shop, path: str) -> None:
    answer = world.call("GET", path, key=shop.secret_key)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "identifier", ["x", "%00", "pay_x", "%F0%9F%92%A9", "pay_" + "0" * 27, "tok_" + "0" * 26, "a" * 5000]
)
def test_ids_that_are_none(world: World, shop: Shop, identifier: str) -> None:
    for path in (f"/v1/payments/{identifier}", f"/v1/refunds/{identifier}", f"/v1/events/{identifier}"):
        answer = world.call("GET", path, key=shop.secret_key)
        assert answer.status_code in {404, 422}, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


def test_headers_of_an_answer(world: World) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = world.call("GET", "/healthz", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["trace-id"] == trace
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers


def test_figures(world: World, shop: Shop) -> None:
    world.call("GET", "/v1/payments", key=shop.secret_key)
    text = world.call("GET", "/metrics").text
    assert 'payera_requests_total{method="GET",operation="list_payments",status="200"}' in text


def test_a_length_that_lies(world: World, shop: Shop) -> None:
    """The client promises more than it sends, then goes away: nothing breaks, and the next caller is served."""
    address = urlsplit(world.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as raw:
        head = f"POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shop.secret_key}\r\n"
        raw.sendall(head.encode() + b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{")
    assert world.call("GET", "/healthz").status_code == 200
