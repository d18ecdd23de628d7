"""What the merchant trades in reaches the PSPs that take it with a payment, and disturbs no other."""

import json

import pytest

from gateway.connectors.adyen import wire
from gateway.domain.card import CardSecret, Pan, Secret
from gateway.domain.outcome import Approved
from gateway.use_cases.ports import ProviderAccount, ProviderCall
from tests.connectors.harness import REGISTRY, Bench


@pytest.mark.parametrize("slug", list(REGISTRY.specs))
async def test_a_payment_with_a_category_is_approved_everywhere(psp: Bench) -> None:
    assert isinstance(await psp.send(psp.call("authorize", mcc="7995")), Approved)


def test_adyen_is_told_the_category() -> None:
    account = ProviderAccount("pa_1", "adyen", "http://127.0.0.1:1", {"api_key": Secret("k")})
    told = {}
    for mcc in ("7995", None):
        call = ProviderCall(account, "authorize", "pay_1", "att_1", 4200, "EUR", 1.0, mcc=mcc)
        told[mcc] = json.loads(wire.payment(call, CardSecret(Pan("4242424242424242"), 12, 2030), 4200)).get("mcc")
    assert told == {"7995": "7995", None: None}
