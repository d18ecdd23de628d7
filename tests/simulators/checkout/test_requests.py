"""What is refused, and how: credentials, bodies, missing and wrong fields, unknown objects."""

from typing import Any

import pytest

from tests.simulators.checkout.simulator import Shop, card, pay


@pytest.mark.parametrize(
    "authorization", ["Bearer sk_sbox_aaaaaaaaaaaaaaaaaaaaaaaaaaa", "sk_nobody", "Basic x", "Bearer a.b", "Bearer"]
)
def test_bad_credentials(shop: Shop, authorization: str) -> None:
    for method, path in (("POST", "/payments"), ("GET", "/payments/pay_1"), ("POST", "/tokens")):
        refused = shop.http(method, path, pay(), authorization=authorization)
        assert (refused.status_code, refused.content) == (401, b"")
        assert refused.headers["cko-request-id"]


def test_bare_key_as_in_older_clients(shop: Shop) -> None:
    assert shop.http("POST", "/payments", pay(), authorization=shop.key).status_code == 201


def test_keys_have_their_places(shop: Shop) -> None:
    """A public key makes tokens and nothing else; a secret key makes everything but card tokens."""
    assert shop.http("POST", "/payments", pay(), key=shop.public_key).status_code == 401
    assert shop.http("POST", "/tokens", card(), key=shop.public_key).status_code == 201
    assert shop.http("POST", "/tokens", card()).status_code == 401


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"source": None}, ["payment_source_required"]),
    ({"source": {}}, ["source_type_required"]),
    ({"source": "card"}, ["source_invalid", "source_type_required"]),
    ({"source": {"type": "cheque"}}, ["payment_method_not_supported"]),
    ({"source": {"type": "klarna"}}, ["payment_method_not_supported"]),
    ({"source": {"type": ["card"]}}, ["payment_method_not_supported"]),
    (
        {"source": {"type": "card"}},
        ["card_number_required", "card_expiry_month_required", "card_expiry_year_required"],
    ),
    ({"source": card("4242424242424241")}, ["card_number_invalid"]),
    ({"source": card(4242)}, ["card_number_invalid"]),  # type: ignore[arg-type] # a number where digits are due
    ({"source": card(expiry_month=13)}, ["card_expiry_month_invalid"]),
    ({"source": card(expiry_month="12")}, ["card_expiry_month_invalid"]),
    ({"source": card(expiry_year=34)}, ["card_expiry_year_invalid"]),
    ({"source": card(expiry_year=2020)}, ["card_expired"]),
    ({"source": card(cvv="12")}, ["cvv_invalid"]),
    ({"source": card(cvv="12a")}, ["cvv_invalid"]),
    ({"source": card(name=7)}, ["card_holder_invalid"]),
    ({"source": card(billing_address={"country": "GBR"})}, ["country_invalid"]),
    ({"source": card(phone={"number": "1"})}, ["phone_number_invalid"]),
    ({"source": {"type": "token"}}, ["token_required"]),
    ({"source": {"type": "token", "token": "tok_none"}}, ["token_invalid"]),
    ({"source": {"type": "id"}}, ["source_id_required"]),
    ({"source": {"type": "id", "id": "src_none"}}, ["source_id_unknown"]),
    ({"source": {"type": "customer", "id": "cus_none"}}, ["customer_not_found"]),
    ({"currency": None}, ["currency_required"]),
    ({"currency": "eur"}, ["currency_invalid"]),
    ({"currency": "EURO"}, ["currency_invalid"]),
    ({"amount": -1}, ["amount_invalid"]),
    ({"amount": 42.0}, ["amount_invalid"]),
    ({"amount": "4200"}, ["amount_invalid"]),
    ({"amount": True}, ["amount_invalid"]),
    ({"amount": 10_000_000_000}, ["amount_invalid"]),
    ({"amount": 4250, "currency": "CLP"}, ["amount_invalid"]),
    ({"payment_type": "Sometimes"}, ["payment_type_invalid"]),
    ({"authorization_type": "Maybe"}, ["authorization_type_invalid"]),
    ({"capture": "yes"}, ["capture_invalid"]),
    ({"capture_on": "tomorrow"}, ["capture_on_invalid"]),
    ({"reference": "r" * 51}, ["reference_invalid"]),
    ({"metadata": ["a"]}, ["metadata_key_invalid"]),
    ({"metadata": {"a": {"b": 1}}}, ["metadata_key_invalid"]),
    ({"customer": {"email": "nobody"}}, ["customer_email_invalid"]),
    ({"customer": {"id": "cus_none"}}, ["customer_not_found"]),
    ({"success_url": "shop"}, ["success_url_invalid"]),
    ({"failure_url": "ftp://shop.example/"}, ["fail_url_invalid"]),
    ({"processing_channel_id": "pc_1"}, ["processing_channel_id_invalid"]),
    ({"processing_channel_id": "pc_aaaaaaaaaaaaaaaaaaaaaaaaaa"}, ["processing_channel_id_invalid"]),
    ({"billing_descriptor": {"name": "N"}}, ["billing_descriptor_city_required"]),
    ({"3ds": {"enabled": "yes"}}, ["3ds_enabled_invalid"]),
    ({"3ds": {"exemption": "because"}}, ["3ds_exemption_invalid"]),
    (
        {"source": card("1"), "currency": "x", "amount": -1},
        ["card_number_invalid", "currency_invalid", "amount_invalid"],
    ),
]


def test_wrong_payment_requests(shop: Shop) -> None:
    """Each with the PSP's envelope and code; several faults in one answer; and nothing is left of them."""
    for change, codes in WRONG:
        body = {key: value for key, value in {**pay(), **change}.items() if value is not None}
        refused = shop.http("POST", "/payments", body)
        assert (refused.status_code, refused.json()["error_codes"]) == (422, codes), change
        assert refused.json()["error_type"] == "request_invalid"
        assert refused.json()["request_id"] == refused.headers["cko-request-id"]
    assert shop.journal() == []
    assert shop.events() == []


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff\xfe", b"null"])
def test_no_json_object(shop: Shop, body: bytes) -> None:
    refused = shop.http("POST", "/payments", body)
    assert (refused.status_code, refused.json()["error_codes"]) == (422, ["request_json_invalid"])


def test_unknown_fields_are_ignored(shop: Shop) -> None:
    assert shop.paid(colour="red", source=card(shape="round")).approved is True


def test_unknown_objects_and_paths(shop: Shop) -> None:
    for method, path in (
        ("GET", "/payments/pay_none"),
        ("GET", "/payments/sid_none"),
        ("GET", "/payments/pay_none/actions"),
        ("POST", "/payments/pay_none/captures"),
        ("POST", "/payments/pay_none/voids"),
        ("POST", "/payments/pay_none/refunds"),
        ("POST", "/payments/pay_none/authorizations"),
        ("GET", "/instruments/src_none"),
        ("PATCH", "/instruments/src_none"),
        ("DELETE", "/instruments/src_none"),
        ("GET", "/customers/cus_none"),
        ("GET", "/customers/nobody@example.com"),
        ("PATCH", "/customers/cus_none"),
        ("DELETE", "/customers/cus_none"),
    ):
        refused = shop.http(method, path, {})
        assert (refused.status_code, refused.content) == (404, b""), path


def test_outside_the_api(shop: Shop) -> None:
    assert shop.http("GET", "/nowhere").status_code == 404
    assert shop.http("DELETE", "/payments").status_code == 405


@pytest.mark.parametrize("operation", ["captures", "voids", "refunds"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"amount": 0}, "amount_invalid"),
        ({"amount": "1"}, "amount_invalid"),
        ({"reference": "r" * 51}, "reference_invalid"),
        ({"metadata": 1}, "metadata_key_invalid"),
    ],
)
def test_wrong_operations(shop: Shop, operation: str, body: dict[str, Any], code: str) -> None:
    payment = shop.paid() if operation == "refunds" else shop.held()
    refused = shop.http("POST", f"/payments/{payment.id}/{operation}", body)
    assert (refused.status_code, refused.json()["error_codes"]) == (422, [code])


def test_operations_that_the_state_does_not_allow(shop: Shop) -> None:
    declined = shop.paid(source=card("4544249167673670"))
    for operation in ("captures", "voids", "refunds", "authorizations", "reversals"):
        refused = shop.http("POST", f"/payments/{declined.id}/{operation}", {})
        assert (refused.status_code, refused.content) == (403, b""), operation
    held = shop.held()
    assert shop.http("POST", f"/payments/{held.id}/refunds", {}).status_code == 403


def test_lists_need_a_reference(shop: Shop) -> None:
    for query, code in (
        ("", "reference_required"),
        ("?reference=a&limit=0", "paging_limit_invalid"),
        ("?reference=a&limit=101", "paging_limit_invalid"),
        ("?reference=a&skip=-1", "paging_skip_invalid"),
    ):
        refused = shop.http("GET", f"/payments{query}")
        assert (refused.status_code, refused.json()["error_codes"]) == (422, [code])
    assert shop.http("GET", "/payments?reference=a").json() == {"limit": 10, "skip": 0, "total_count": 0, "data": []}


@pytest.mark.parametrize(("cvv", "check"), [("204", "D"), ("205", "P"), ("202", "U"), ("100", "Y"), (None, "N")])
def test_cvv_check(shop: Shop, cvv: str | None, check: str) -> None:
    """The sandbox's CVVs give their letters and never a decline."""
    source = card("4659105569051157", cvv=cvv)
    paid = shop.paid(source={key: value for key, value in source.items() if value is not None})
    assert (paid.approved, paid.source.cvv_check) == (True, check)


@pytest.mark.parametrize(
    ("line", "check"), [("Test_A", "A"), ("Test_AE7", "AE7"), ("Test_Q", "S"), ("A", "S"), ("1 High Street", "S")]
)
def test_avs_check(shop: Shop, line: str, check: str) -> None:
    paid = shop.paid(source=card(billing_address={"address_line1": line, "country": "GB"}))
    assert (paid.source.avs_check, paid.source.billing_address.address_line1) == (check, line)


def test_pesos_come_with_two_zeros_and_are_journaled_without(shop: Shop) -> None:
    held = shop.held(420_000, currency="CLP")
    refused = shop.http("POST", f"/payments/{held.id}/captures", {"amount": 150})
    assert refused.json()["error_codes"] == ["amount_invalid"]
    shop.http("POST", f"/payments/{held.id}/captures", {"amount": 100_000})
    assert held.amount == 420_000
    assert shop.journal() == [("authorize", 4200, "CLP"), ("capture", 1000, "CLP")]


MAGIC = [
    ("4242424242424242", 4200, "10000"),
    ("4242424242424242", 101, "20051"),
    ("5436031030606378", 101, "10000"),
    ("4734868958733862", 4200, "200N7"),
    ("4485899805156040", 4200, "200R1"),
    ("4567361325981788", 4200, "200R3"),
    ("4276038578596818", 4200, "2005C"),
    ("4152812521833588", 4200, "2009G"),
    ("4111111111111129", 4200, "20001"),
    ("4539467987109256", 4200, "20005"),
    ("5585076576791786", 4200, "20005"),
    ("341829238058580", 4200, "20005"),
    ("4024007103573027", 4200, "20012"),
    ("4485381577182090", 4200, "20014"),
    ("4916301720257093", 4200, "20020"),
    ("4544249167673670", 4200, "20051"),
    ("4724117215951699", 4200, "20054"),
    ("4659465888705671", 4200, "20057"),
    ("4897453568485113", 4200, "20059"),
    ("4556294593757189", 4200, "20061"),
    ("4818924250131070", 4200, "20062"),
    ("4556253752712245", 4200, "20063"),
    ("4095254802642505", 4200, "20068"),
    ("4532819413487978", 4200, "20078"),
    ("4500622868341387", 4200, "20154"),
    ("4024007162185267", 4200, "30015"),
    ("4941202060999329", 4200, "30041"),
    ("4539253655711767", 4200, "30043"),
    ("4242424242424242", 100005, "20005"),
    ("4242424242424242", 100054, "20054"),
    ("4242424242424242", 200005, "10000"),
]


def test_magic_values(shop: Shop) -> None:
    """The published cards and amounts, in a payment and in one with the stored card."""
    for number, amount, code in MAGIC:
        paid = shop.held(amount, source=card(number))
        assert (paid.response_code, paid.approved) == (code, code == "10000"), number
        again = shop.held(amount, source={"type": "id", "id": paid.source.id})
        assert again.response_code == code, number
