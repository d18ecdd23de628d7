"""Every answer against Checkout.com's published API description, and the list of differences against what differs."""

import json
import re

import pytest

from simulators.checkout.routes import ROUTES
from tests.simulators.checkout.conformance import ROOT, SPEC, Difference, listed, published
from tests.simulators.checkout.simulator import Bench, Shop, card, pay

pytestmark = [
    pytest.mark.needs_specs,
    pytest.mark.skipif(not SPEC.exists(), reason=f"absent here: Checkout.com's published file, {SPEC}"),
]
README = ROOT / "simulators" / "checkout" / "README.md"


@pytest.fixture(scope="module")
def toured(bench: Bench) -> tuple[set[tuple[str, str]], dict[Difference, str]]:
    """A tour through every operation: those that answered 2xx, and the differences, each with what shows it."""
    bench.recorder.answers.clear()
    bench.recorder.broken_on_purpose = False
    shop = bench.shop()
    shop.listen("http://127.0.0.1:9/hooks")
    _tour(shop)
    found = {**bench.recorder.differences(), **shop.differences()}
    shop.close()
    done = {(method, _shape(path)) for method, path, status, *_ in bench.recorder.answers if 200 <= status < 300}
    return done, found


def _tour(shop: Shop) -> None:
    """Each operation with a 2xx at least once, and what the listed differences need."""
    customer = shop.http("POST", "/customers", {"email": "ann@example.com"}).json()["id"]
    paid = shop.paid(reference="r", customer={"id": customer}, payment_type="Unscheduled").id
    held = shop.held(authorization_type="Estimated").id
    for payment, operation, body in (
        (held, "authorizations", {"amount": 100}),
        (held, "captures", {"amount": 100}),
        (paid, "refunds", {"amount": 100}),
        (shop.held().id, "voids", {}),
        (shop.held().id, "reversals", {}),
    ):
        assert shop.http("POST", f"/payments/{payment}/{operation}", body).ok
    assert shop.http("GET", f"/payments/{paid}").ok
    assert shop.http("GET", f"/payments/{paid}/actions").ok
    assert shop.http("GET", "/payments?reference=r").ok
    token = shop.http("POST", "/tokens", card(), key=shop.public_key).json()["token"]
    instrument = shop.http("POST", "/instruments", {"type": "token", "token": token}).json()["id"]
    for method, path in (("GET", f"/instruments/{instrument}"), ("GET", f"/customers/{customer}")):
        assert shop.http(method, path).ok
    for kind, one in (("instruments", instrument), ("customers", customer)):
        assert shop.http("PATCH", f"/{kind}/{one}", {"name": "Ann"}).ok
        assert shop.http("DELETE", f"/{kind}/{one}").ok
    form = f"grant_type=client_credentials&client_id={shop.public_key}&client_secret={shop.key}".encode()
    assert shop.http("POST", "/connect/token", form, content_type="application/x-www-form-urlencoded").ok
    assert shop.paid(0).status == "Card Verified"
    pending = shop.paid(**{"3ds": {"enabled": True}})
    assert shop.http("GET", f"/payments/{pending.id}/actions").json() == []
    shop.settle(pending.id, "authenticate")
    disputed = [shop.paid().id for _ in range(2)]
    for payment in disputed:
        shop.settle(payment, "dispute")
    first, second = (one["id"] for one in shop.http("GET", "/disputes").json()["data"])
    assert shop.http("POST", f"/disputes/{first}/accept").status_code == 204
    assert shop.http("GET", f"/disputes/{first}").ok
    evidence = {"proof_of_delivery_or_service_text": "Delivered on the third."}
    assert shop.http("PUT", f"/disputes/{second}/evidence", evidence).ok
    for method in ("GET", "POST"):
        assert shop.http(method, f"/disputes/{second}/evidence").ok
    for method, path in (("POST", "accept"), ("PUT", "evidence"), ("POST", "evidence")):
        assert shop.http(method, f"/disputes/{first}/{path}", evidence).status_code == 403
    for status in (500, 503):
        shop.fault({"operation": "authorize"}, {"action": "server_error", "status": status}, times=1)
        assert shop.http("POST", "/payments", pay()).status_code == status


def test_the_tour_reaches_every_operation(toured: tuple[set[tuple[str, str]], dict[Difference, str]]) -> None:
    every = {(route.method, route.path) for route in ROUTES if not route.path.startswith("/3ds/")}
    assert every - toured[0] == set()


def _shape(path: str) -> str:
    return "/".join("{id}" if re.fullmatch(r"(pay|src|cus|dsp)_\w{22,26}", part) else part for part in path.split("/"))


def test_no_unlisted_difference(toured: tuple[set[tuple[str, str]], dict[Difference, str]]) -> None:
    unlisted = {str(difference): where for difference, where in toured[1].items() if difference not in listed()}
    assert not unlisted, unlisted


def test_every_listed_difference_still_occurs(toured: tuple[set[tuple[str, str]], dict[Difference, str]]) -> None:
    gone = [str(difference) for difference in sorted(listed()) if difference not in toured[1]]
    assert not gone, f"listed, but nothing in the tour differs so any more: {gone}"


def test_newer_operations_look_like_their_older_kin(shop: Shop) -> None:
    """What the file does not have is judged by what it has: a list by the read, a reversal by the void."""
    held = shop.held(reference="r")
    listing = shop.http("GET", "/payments?reference=r").json()
    for item in listing["data"]:
        answer = json.dumps(item).encode()
        found = published().judge("GET", f"/payments/{held.id}", 200, answer)
        assert found <= set(listed()), found
    accepted = shop.http("POST", f"/payments/{held.id}/reversals", {})
    assert published().judge("POST", f"/payments/{held.id}/voids", 202, accepted.content) == set()


def test_readme_lists_the_same_differences() -> None:
    text = README.read_text("utf-8")
    shown = re.findall(r"^\| (`.+?`) \| `(/[^`]*)` \| (operation|status|added|value|body) \|", text, re.MULTILINE)
    rows = {Difference(answer, pointer, kind) for answers, pointer, kind in shown for answer in _words(answers)}
    assert rows == set(listed())
    assert all(row["reason"] for row in listed().values())


def _words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_validator_sees_what_is_wrong(shop: Shop) -> None:
    """A wrong type, a missing and an unknown field, also inside a source of a kind; a body where none belongs."""
    good = shop.http("POST", "/payments", pay()).json()
    path = "/payments"

    def judged(**change: object) -> set[str]:
        body = {key: value for key, value in {**good, **change}.items() if value is not ...}
        return {f"{d.kind} {d.pointer}" for d in published().judge("POST", path, 201, json.dumps(body).encode())}

    known = {"value /balances/id"}
    assert judged() == known
    assert judged(amount="4200") == {*known, "value /amount"}
    assert judged(id="pay_short") == {*known, "value /id"}
    assert judged(status="Captured") == {*known, "value /status"}
    assert judged(response_code=...) == {*known, "value /response_code"}
    assert judged(odd=1) == {*known, "added /odd"}
    source = good["source"]
    assert judged(source={**source, "card_type": "Plastic"}) == {*known, "value /source/card_type"}
    assert judged(source={**source, "odd": 1}) == {*known, "added /source/odd"}
    assert judged(source={k: v for k, v in source.items() if k != "bin"}) == {*known, "value /source/bin"}
    assert judged(_links={"self": good["_links"]["self"]}) == {*known, "value /_links/actions"}
    assert {d.kind for d in published().judge("GET", "/payments/pay_1", 404, b"{}")} == {"body"}
    assert {d.kind for d in published().judge("GET", "/payments/pay_1", 418, b"")} == {"status"}
    assert {d.kind for d in published().judge("GET", "/payments/pay_1/odd", 200, b"")} == {"operation"}
