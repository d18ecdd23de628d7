"""Goal: only what can be a proof of authentication is carried, and its cryptogram never shows."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.brand import BRANDS
from gateway.domain.errors import Refused
from gateway.domain.outcome import Approved, NotSent
from gateway.domain.threeds import ECI, Cavv, ThreeDsProof, eci_fits, is_cryptogram, is_transaction_id
from gateway.use_cases.create_payment import CreatePayment, create_payment
from gateway.use_cases.dispatch import apply_outcome, send_operation
from tests.unit.fakes import FakeStore, Outside, applied, dispatch

CAVV = base64.b64encode(b"payera-test-cavv-001").decode()
PROOF = ThreeDsProof("2.2.0", "05", Cavv(CAVV), "4f2a9c1e-7b30-4d5a-8c61-90d2e3b7a514")


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (CAVV, True),
        (CAVV[:-1], False),
        (base64.b64encode(b"x" * 19).decode(), False),
        (base64.b64encode(b"x" * 21).decode(), False),
        ("cGF5ZXJhLXRlc3QtY2F2di0wM*E=", False),
        ("", False),
        ("ü" * 28, False),
    ],
)
def test_a_cryptogram_is_base64_of_twenty_bytes(text: str, good: bool) -> None:
    assert is_cryptogram(text) is good


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (PROOF.ds_transaction_id, True),
        (PROOF.ds_transaction_id.upper(), True),
        (PROOF.ds_transaction_id.replace("-", ""), False),
        (PROOF.ds_transaction_id + "0", False),
        (f" {PROOF.ds_transaction_id}", False),
    ],
)
def test_a_ds_transaction_is_a_uuid(text: str, good: bool) -> None:
    assert is_transaction_id(text) is good


@pytest.mark.parametrize(
    ("brand", "eci", "good"),
    [("visa", "05", True), ("visa", "06", True), ("visa", "02", False), ("mastercard", "02", True),
     ("mastercard", "01", True), ("mastercard", "05", False), ("amex", "05", True), ("unknown", "05", False)],
)  # fmt: skip
def test_the_indicator_is_the_brands(brand: str, eci: str, good: bool) -> None:
    assert eci_fits(brand, eci) is good


def test_every_brand_has_indicators() -> None:
    assert set(ECI) == {brand.name for brand in BRANDS}


def test_a_proof_never_shows_its_cryptogram() -> None:
    for text in (repr(PROOF), str(PROOF), f"{PROOF}", repr(PROOF.cavv)):
        assert CAVV not in text


async def test_the_wrong_indicator_is_refused_before_anything_is_begun() -> None:
    outside = Outside(store=FakeStore(token_get_v1={"card": {"brand": "mastercard"}}))
    command = CreatePayment("mer_1", 4200, "EUR", token="tok_1", three_ds=PROOF)
    with pytest.raises(Refused, match="eci_not_of_brand") as refused:
        await create_payment(outside.ports, command)
    assert refused.value.complaints[0].where == "three_ds.eci"
    assert outside.store.names() == ["token_get_v1"]
    assert outside.vault.forgotten == [command.payment_id]


@pytest.mark.parametrize("ciphertext", ["sealed", None])
async def test_an_attempt_goes_with_its_proof_or_not_at_all(ciphertext: str | None) -> None:
    outside = Outside()
    told: dict[str, Any] = {
        "version": "2.2.0", "eci": "05", "ds_transaction_id": PROOF.ds_transaction_id, "cavv_ciphertext": ciphertext,
    }  # fmt: skip
    outcome = await send_operation(outside.ports, "mer_1", dispatch(three_ds=told), 1000.0)
    if ciphertext is None:
        assert outcome == NotSent(cause="cavv_gone")
        assert outside.connector.calls == []
    else:
        assert isinstance(outcome, Approved)
        assert outside.connector.calls[0].three_ds == replace(PROOF, cavv=Cavv("opened"))


@pytest.mark.parametrize(("status", "forgotten"), [("captured", ["tok_1", "pay_1"]), ("processing", [])])
async def test_the_cryptograms_key_goes_when_the_authorization_ends(status: str, forgotten: list[str]) -> None:
    operation = "approved" if status == "captured" else "declined"
    outside = Outside(store=FakeStore(payment_apply_v1=applied(status, operation)))
    sent = dispatch(three_ds={"version": "2.2.0"})
    outcome = Approved("psp_1", 4200, "EUR", captured=True) if status == "captured" else NotSent("refused")
    await apply_outcome(outside.ports, "mer_1", sent, outcome, source="inline")
    assert outside.vault.forgotten == forgotten
