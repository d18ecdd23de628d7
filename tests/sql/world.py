"""A merchant with two provider accounts, and the calls that the tests make, with the rest filled in."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.adapters.postgres import Database
from gateway.domain.ids import new_id

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LEASE = {"send_within_ms": 5_000, "lease_ms": 10_000}
EXPIRED = {"send_within_ms": 0, "lease_ms": 0}


def at(seconds: float = 0) -> str:
    """Business time, seconds after noon."""
    return (NOON + timedelta(seconds=seconds)).isoformat()


def card(**fields: Any) -> dict[str, Any]:
    """A sealed card as the vault hands it in."""
    return {
        "token_id": new_id("tok"),
        "ciphertext": "c2VhbGVk",
        "key_id": "dek_1",
        "fingerprint": "fp_1",
        "bin": "424242",
        "last4": "4242",
        "brand": "visa",
        "exp_month": 12,
        "exp_year": 2030,
        "holder_name": "J. Doe",
        "cvv_ciphertext": "Y3Z2",
        "cvv_expires_at": at(900),
    } | fields


def approved(amount: int = 4200, *, captured: bool = True, reference: str | None = None) -> dict[str, Any]:
    return {
        "kind": "approved",
        "provider_reference": reference or new_id("psp"),
        "amount": amount,
        "currency": "EUR",
        "captured": captured,
    }


def declined(reason: str = "issuer_unavailable") -> dict[str, Any]:
    return {"kind": "declined", "reason": reason, "advice": "schedule", "provider_code": "91", "message": "no"}


UNKNOWN: dict[str, Any] = {"kind": "unknown", "cause": "timeout"}


@dataclass
class World:
    """One merchant on one database. Every method is one stored procedure."""

    database: Database
    merchant: str
    accounts: dict[str, str] = field(default_factory=dict)

    async def call(self, function: str, **p: Any) -> Any:
        return await self.database.call(function, self.merchant, p)

    async def begin(self, amount: int = 4200, **fields: Any) -> Any:
        p: dict[str, Any] = {
            "payment_id": new_id("pay"),
            "operation_id": new_id("att"),
            "event_id": new_id("evt"),
            "amount": amount,
            "currency": "EUR",
            "capture_method": "automatic",
            "metadata": {},
            "at": at(),
            "cascade_until": at(60),
            **LEASE,
        }
        if "token_id" not in fields and "card" not in fields:
            p["card"] = card()
        return await self.call("payment_begin_v1", **(p | fields))

    async def apply(self, dispatch: Any, outcome: dict[str, Any], **fields: Any) -> Any:
        p: dict[str, Any] = {
            "operation_id": dispatch["operation_id"],
            "epoch": dispatch["epoch"],
            "outcome": outcome,
            "cascade": False,
            "at": at(1),
            "source": "inline",
            "event_ids": [new_id("evt") for _ in range(4)],
            "order_id": new_id("ord"),
        }
        return await self.call("payment_apply_v1", **(p | fields))

    async def paid(self, amount: int = 4200, *, captured: bool = True) -> str:
        """The id of a payment that was approved."""
        begun = await self.begin(amount, capture_method="automatic" if captured else "manual")
        applied = await self.apply(begun["dispatch"], approved(amount, captured=captured))
        assert applied["payment"]["status"] == ("captured" if captured else "authorized")
        return str(begun["payment"]["id"])

    async def operation(self, kind: str, payment_id: str, **fields: Any) -> Any:
        """capture, cancel or refund."""
        prefix = {"capture": "cap", "cancel": "void", "refund": "ref"}[kind]
        p: dict[str, Any] = {
            "payment_id": payment_id,
            "operation_id": new_id(prefix),
            "event_id": new_id("evt"),
            "at": at(10),
            **LEASE,
        }
        return await self.call(f"{kind}_begin_v1", **(p | fields))

    async def claim(self, operation_id: str, **fields: Any) -> Any:
        p: dict[str, Any] = {"operation_id": operation_id, "at": at(20), **LEASE}
        return await self.call("operation_claim_v1", **(p | fields))

    async def attempt(self, payment_id: str, **fields: Any) -> Any:
        p: dict[str, Any] = {"payment_id": payment_id, "operation_id": new_id("att"), "at": at(5), **LEASE}
        return await self.call("attempt_begin_v1", **(p | fields))

    async def reverse(self, operation_id: str, **fields: Any) -> Any:
        p: dict[str, Any] = {"operation_id": new_id("void"), "of": operation_id, "at": at(30), **LEASE}
        return await self.call("reversal_begin_v1", **(p | fields))

    async def payment(self, payment_id: str) -> Any:
        return await self.call("payment_get_v1", payment_id=payment_id)

    async def plan(self, payment_id: str) -> Any:
        return await self.call("payment_plan_v1", payment_id=payment_id)

    async def events(self, payment_id: str) -> list[str]:
        """Types in sequence; the sequence has no gap."""
        listed = await self.call("event_list_v1", payment_id=payment_id, limit=100)
        assert [event["sequence"] for event in listed["data"]] == list(range(1, len(listed["data"]) + 1))
        return [event["type"] for event in listed["data"]]

    async def balances(self, payment_id: str) -> dict[str, int]:
        """Ledger balances of the payment by account; those at zero are left out."""
        totals: dict[str, int] = {}
        for transaction in (await self.call("payment_ledger_v1", payment_id=payment_id))["data"]:
            for line in transaction["lines"]:
                totals[line["account"]] = totals.get(line["account"], 0) + line["amount"]
        return {account: total for account, total in totals.items() if total}

    async def orders(self) -> list[str]:
        """Claim every order that is due and mark it done: the payments of this merchant among them."""
        claimed = await self.database.system("order_claim_v1", {"relay": "test", "limit": 1000, "lease_ms": 60_000})
        mine = [order for order in claimed if order["merchant"] == self.merchant]
        await self.database.system("order_done_v1", {"ids": [order["id"] for order in mine]})
        return [order["payment_id"] for order in mine]


async def new_merchant(database: Database, providers: tuple[str, ...] = ("stripe", "dummypay")) -> World:
    """A fresh merchant with an account at each provider, routed in that order, with one fallback."""
    merchant = new_id("mer")
    keys = [{"key_id": new_id("key"), "kind": "secret", "hash": f"hash of {merchant}"}]
    await database.system(
        "merchant_create_v1", {"merchant_id": merchant, "name": "Shop", "keys": keys, "at": at(-3600)}
    )
    world = World(database, merchant)
    for provider in providers:
        account = await world.call(
            "provider_account_create_v1",
            account_id=new_id("pa"),
            provider=provider,
            base_url="http://127.0.0.1:1",
            credentials_ciphertext="Y3JlZA==",
            key_id="dek_1",
            settings={"resolution": {"index_lag_s": 1}} if provider == "stripe" else {},
            at=at(-3600),
        )
        world.accounts[provider] = account["id"]
    if providers:
        await world.call("routing_set_v1", providers=list(providers), max_fallbacks=1, at=at(-3600))
    return world
