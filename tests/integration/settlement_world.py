"""A day of payments on both sides: in the gateway's books by its stored procedures, in a simulator's journal by hand.

The two agree to the unit until a test makes them differ. What is journaled is what the simulator would have journaled
for the calls of its connector; the file always comes from the simulator's exporter, over the control plane.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain.ids import new_id
from simulators.kit.accounts import Account
from simulators.kit.testing import Sims, TestAccount
from tests.sql.world import World, card

DAY = datetime(2026, 11, 22, tzinfo=UTC)
SKEW = timedelta(seconds=2)
"""How far the PSP's clock is ahead of ours."""
TOLERANCE_S = 60
CURRENCIES = ("EUR", "USD", "JPY", "KWD", "EUR")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Moved:
    """One entry of the journal, and the gateway's operation that it belongs to."""

    kind: str
    amount: int
    currency: str
    object: str
    parent: str | None
    reference: str
    payment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment: its attempt's id, the PSP's id, and everything that moved."""

    id: str
    attempt: str
    psp: str
    moved: tuple[Moved, ...]


def stripe_ids(kind: str, tail: str) -> tuple[str, str, str | None]:
    """`(provider reference that the connector keeps, journal's object, journal's parent)`."""
    intent = f"pi_{tail.partition('x')[0]}"
    own = {"charge": intent, "authorize": intent, "capture": f"ch_{tail.partition('x')[0]}", "refund": f"re_{tail}"}[
        kind
    ]
    return (own if kind == "refund" else intent), own, (intent if kind in ("capture", "refund") else None)


def dummypay_ids(kind: str, tail: str) -> tuple[str, str, str | None]:
    """As for stripe."""
    charge = f"ch_{tail.partition('x')[0]}"
    own = {"charge": charge, "authorize": charge, "capture": f"cap_{tail}", "refund": f"ref_{tail}"}[kind]
    return own, own, (charge if kind in ("capture", "refund") else None)


def adyen_ids(kind: str, tail: str) -> tuple[str, str, str | None]:
    """As for stripe. Every movement has a pspReference of its own."""
    payment = f"PAY{tail.partition('x')[0]}"
    own = payment if kind in ("charge", "authorize") else f"{kind[:3].upper()}{tail}"
    return own, own, None if own == payment else payment


def checkout_ids(kind: str, tail: str) -> tuple[str, str, str | None]:
    """As for stripe. A payment has actions."""
    payment = f"pay_{tail.partition('x')[0]}"
    own = payment if kind in ("charge", "authorize") else f"act_{kind[:3]}{tail}"
    return own, own, None if own == payment else payment


IDS: dict[str, Callable[[str, str], tuple[str, str, str | None]]] = {
    "stripe": stripe_ids,
    "dummypay": dummypay_ids,
    "adyen": adyen_ids,
    "checkout": checkout_ids,
}


@dataclass
class Day:
    """`payments` payments of one merchant at one PSP, spread over `DAY`."""

    world: World
    slug: str
    chance: random.Random = field(default_factory=lambda: random.Random(20))
    paid: list[Paid] = field(default_factory=list)

    async def trade(self, payments: int) -> None:
        """Seven of ten captured at once, one captured later, one in two parts, one refunded in part."""
        plans = [(number, self.chance.randrange(100, 90_000) * 10) for number in range(payments)]
        step = timedelta(hours=22) / payments
        for start in range(0, payments, 50):
            chunk = plans[start : start + 50]
            self.paid += await asyncio.gather(
                *(self._one(number, amount, DAY + timedelta(hours=1) + number * step) for number, amount in chunk)
            )

    async def _one(self, number: int, amount: int, at: datetime) -> Paid:
        style, currency = number % 10, CURRENCIES[number // 10 % len(CURRENCIES)]
        manual = style in (7, 8)
        attempt, tail = new_id("att"), f"{number:06d}A"
        kept, thing, parent = IDS[self.slug]("authorize" if manual else "charge", tail)
        begun = await self.world.begin(
            amount,
            operation_id=attempt,
            currency=currency,
            capture_method="manual" if manual else "automatic",
            card=card(fingerprint=f"fp_{attempt}"),
            at=at.isoformat(),
        )
        payment = str(begun["payment"]["id"])
        await self._approve(begun["dispatch"], amount, currency, kept, at, captured=not manual)
        moved = [] if manual else [Moved("charge", amount, currency, thing, parent, attempt, payment, at)]
        parts = [amount] if style == 7 else [amount // 2, amount - amount // 2] if style == 8 else []
        for place, part in enumerate(parts):
            final = place == len(parts) - 1
            moved.append(await self._more("capture", payment, part, currency, f"{tail}x{place}", at, final=final))
        if style == 9:
            moved.append(await self._more("refund", payment, amount // 3, currency, f"{tail}x0", at))
        return Paid(payment, attempt, thing, tuple(moved))

    async def _more(
        self, kind: str, payment: str, amount: int, currency: str, tail: str, at: datetime, **more: Any
    ) -> Moved:
        """A capture or a refund a minute later."""
        at += timedelta(minutes=1)
        kept, thing, parent = IDS[self.slug](kind, tail)
        begun = await self.world.operation(kind, payment, amount=amount, at=at.isoformat(), **more)
        await self._approve(begun["dispatch"], amount, currency, kept, at, captured=False)
        return Moved(kind, amount, currency, thing, parent, begun["dispatch"]["operation_id"], payment, at)

    async def _approve(
        self, dispatch: Json, amount: int, currency: str, kept: str, at: datetime, *, captured: bool
    ) -> None:
        outcome = {"kind": "approved", "provider_reference": kept, "amount": amount, "currency": currency}
        await self.world.apply(dispatch, outcome | {"captured": captured}, at=at.isoformat())

    async def refused(self, at: datetime = DAY + timedelta(hours=5)) -> Paid:
        """A payment that was declined: nothing moved."""
        attempt = new_id("att")
        begun = await self.world.begin(
            7_000, operation_id=attempt, at=at.isoformat(), card=card(fingerprint=f"fp_{attempt}")
        )
        decline = {"kind": "declined", "reason": "generic_decline", "advice": "never", "provider_code": "05"}
        await self.world.apply(begun["dispatch"], decline, at=at.isoformat())
        return Paid(str(begun["payment"]["id"]), attempt, IDS[self.slug]("charge", "999999B")[1], ())

    def moved(self) -> Iterator[Moved]:
        for payment in self.paid:
            yield from payment.moved

    def of(self, kind: str, currency: str = "EUR") -> list[Moved]:
        """Movements of a kind in a currency."""
        return [one for one in self.moved() if one.kind == kind and one.currency == currency]


def strange(like: Moved, number: int) -> Moved:
    """A movement like this one of which the gateway knows nothing."""
    parent = None if like.parent is None else f"{like.parent}Z{number}"
    return replace(
        like, object=f"{like.object}Z{number}", parent=parent, reference=new_id("att"), payment=new_id("pay")
    )


def journal(sims: Sims, account: TestAccount, day: Day, moved: list[Moved]) -> None:
    """Write what moved into the account's journal, and the objects that its exporter looks up."""
    assert sims.group is not None
    inside: Account = sims.group.worlds[account.slug].accounts[account.view["account"]]
    with inside.transaction():
        if account.slug == "stripe":
            for payment in day.paid:
                tail = payment.psp.partition("_")[2]
                metadata = {"payera_operation": payment.attempt, "payera_payment": payment.id}
                intent = {"id": f"pi_{tail}", "latest_charge": f"ch_{tail}", "metadata": metadata}
                inside.store.put("payment_intent", intent)
        if account.slug in ("adyen", "checkout"):
            for payment in day.paid:
                kept = {"id": payment.psp, "reference": payment.attempt, "method": "visa"}
                inside.store.put("payments", kept)
        for one in sorted(moved, key=lambda each: each.at):
            inside.journal.add(
                one.kind,  # type: ignore[arg-type]  # one of the journal's kinds
                at=(one.at + SKEW).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                amount=one.amount,
                currency=one.currency,
                object_id=one.object,
                parent=one.parent,
                reference=one.reference,
                payment=one.payment,
            )


async def export(account: TestAccount, day: datetime = DAY) -> str:
    """The settlement file of one day, as the simulator writes it."""
    path = f"/v1/{account.slug}/accounts/{account.view['account']}/settlement"
    bounds = {"from": day.isoformat(), "to": (day + timedelta(days=1)).isoformat()}
    async with account.sims._session.get(account.sims.control_url + path, params=bounds) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.text()
