"""A new tenant with its first two keys, shown once."""

import secrets
from dataclasses import dataclass

from gateway.domain.ids import new_id
from gateway.tracing import use_case
from gateway.use_cases.ports import ApiKeys, Json, Ports


@dataclass(frozen=True, slots=True)
class CreateMerchant:
    """`environment` marks the keys: `sk_test_…` is refused by a production gateway, and the other way round.

    `mcc`: four digits of ISO 18245. `country`: two letters of ISO 3166-1.
    """

    name: str
    environment: str
    mcc: str | None = None
    country: str | None = None


@use_case
async def create_merchant(ports: Ports, keys: ApiKeys, command: CreateMerchant) -> Json:
    """Create the merchant and return its view with both keys in clear: the only time they are seen (SEC-06)."""
    merchant_id = new_id("mer")
    secret_key = f"sk_{command.environment}_{secrets.token_hex(24)}"
    publishable_key = f"pk_{command.environment}_{secrets.token_hex(24)}"
    merchant = await ports.store.system(
        "merchant_create_v1",
        {
            "merchant_id": merchant_id,
            "name": command.name,
            "mcc": command.mcc,
            "country": command.country,
            "keys": [
                {"key_id": new_id("key"), "kind": "secret", "hash": keys.api_key_hash(secret_key)},
                {"key_id": new_id("key"), "kind": "publishable", "hash": keys.api_key_hash(publishable_key)},
            ],
            "at": ports.clock.now().isoformat(),
        },
    )
    return {**merchant, "secret_key": secret_key, "publishable_key": publishable_key}
