"""The routing document: which PSPs are asked, by which rules, and what it would do with a payment."""

from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter
from pydantic import Field, StringConstraints, model_validator
from starlette.responses import Response

from gateway.api.auth import Merchant
from gateway.api.common import TheDoor, documented_answers, json_response, list_of, list_response
from gateway.api.problems import ComplaintError
from gateway.api.schemas import (
    Amount,
    Body,
    Country,
    Currency,
    Mcc,
    Metadata,
    MetadataKey,
    MetadataValue,
    ProviderOrAccount,
)
from gateway.api.views import Time, View
from gateway.domain.ids import new_id
from gateway.use_cases.ports import Json

router = APIRouter(tags=["routing"])

Name = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Brand = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z_]{2,20}$")]
Prefix = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]{1,8}$")]
Percent = Annotated[int, Field(strict=True, ge=0, le=100)]
Bin = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]{6,8}$"), Field(examples=["424242"])]


class AmountRange(Body):
    """Bounds in minor units of the payment's currency: name the currency as well, or they mean little."""

    at_least: Amount | None = None
    below: Amount | None = None


class WhenBody(Body):
    """All conditions must hold; a missing one asks nothing."""

    brand: Annotated[list[Brand], Field(min_length=1, max_length=20)] | None = None
    bin: Annotated[list[Prefix], Field(min_length=1, max_length=500)] | None = None
    issuer_country: Annotated[list[Country], Field(min_length=1, max_length=250)] | None = None
    currency: Annotated[list[Currency], Field(min_length=1, max_length=200)] | None = None
    amount: AmountRange | None = None
    method: Annotated[list[Literal["card"]], Field(min_length=1, max_length=1)] | None = None
    mcc: Annotated[list[Mcc], Field(min_length=1, max_length=100)] | None = None
    metadata: (
        Annotated[
            dict[MetadataKey, Annotated[list[MetadataValue], Field(min_length=1, max_length=50)]], Field(max_length=10)
        ]
        | None
    ) = None


class RuleBody(Body):
    """One rule. The first whose `when` holds decides how its providers are ordered; the others follow as fallbacks."""

    id: Name
    when: WhenBody = WhenBody()
    by: Literal["order", "split", "success_rate", "cost"] = "order"
    providers: Annotated[list[ProviderOrAccount], Field(min_length=1, max_length=10)]
    shares: Annotated[
        dict[ProviderOrAccount, Percent],
        Field(default_factory=dict, description="For `split`: percent per provider, 100 in all"),
    ]
    window_s: Annotated[int, Field(strict=True, ge=60, le=604_800, description="For `success_rate`, seconds")] = 3600
    explore_percent: Annotated[int, Field(strict=True, ge=0, le=50)] = 5
    min_attempts: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 20

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(set(self.providers)) != len(self.providers):
            raise ComplaintError("names a provider twice", "name each once")
        if self.by == "split" and (sum(self.shares.values()) != 100 or set(self.shares) != set(self.providers)):
            raise ComplaintError("splits, but its shares are not 100 percent over its providers", "correct `shares`")
        if self.by != "split" and self.shares:
            raise ComplaintError("has shares but does not split", 'remove `shares`, or say `by: "split"`')
        return self


class FeeBody(Body):
    """What a provider takes of an approved payment; the first row that fits holds."""

    provider: ProviderOrAccount
    brand: Brand | None = None
    currency: Currency | None = None
    basis_points: Annotated[int, Field(strict=True, ge=0, le=10_000, description="1/100 of a percent")]
    fixed: Annotated[int, Field(strict=True, ge=0, le=1_000_000, description="Minor units of the payment's currency")]


class CircuitBody(Body):
    """When an account is left alone: after `failures` technical failures in a row, for `pause_s` seconds each time."""

    failures: Annotated[int, Field(strict=True, ge=1, le=100)] = 5
    pause_s: Annotated[int, Field(strict=True, ge=1, le=86_400)] = 30


class RoutingBody(Body):
    """Which PSPs are asked, in order, and the rules that change the order."""

    providers: Annotated[
        tuple[ProviderOrAccount, ...], Field(min_length=1, max_length=10, examples=[["stripe", "dummypay"]])
    ]
    max_fallbacks: Annotated[int, Field(strict=True, ge=0, le=5, description="Further PSPs per payment")] = 1
    rules: Annotated[list[RuleBody], Field(default_factory=list, max_length=50)]
    fees: Annotated[list[FeeBody], Field(default_factory=list, max_length=200)]
    circuit: CircuitBody = CircuitBody()

    @model_validator(mode="after")
    def _rules_once(self) -> Self:
        if len({rule.id for rule in self.rules}) != len(self.rules):
            raise ComplaintError("has two rules of one id", "give each rule an id of its own")
        return self


class SimulateBody(Body):
    """A payment that nobody makes."""

    amount: Amount
    currency: Currency
    brand: Brand
    bin: Bin
    metadata: Annotated[Metadata, Field(default_factory=dict)]
    payment_id: Annotated[
        str | None,
        StringConstraints(strict=True, pattern=r"^[a-z0-9_]{1,40}$"),
        Field(description="Shares and exploration go by it; without one, by a fresh id"),
    ] = None


class RoutingView(View):
    """The document as it holds."""

    object: Literal["routing"]
    providers: list[str]
    max_fallbacks: int
    rules: list[dict[str, Any]]
    fees: list[dict[str, Any]]
    circuit: CircuitBody


class CircuitView(View):
    """An account's circuit. `failures`: technical failures in a row until now; at `threshold` it opens.

    `open`: asked after everybody else, until `open_until`. `half_open`: the next payment that would ask it tries it.
    """

    object: Literal["circuit"]
    provider: str
    provider_account: str
    state: Literal["closed", "open", "half_open"]
    failures: int
    threshold: int
    open_until: Time | None


class CandidateView(View):
    """A provider in its place. `rate` in basis points, `fee` in minor units, where they decided."""

    account: str
    provider: str
    rate: int | None
    fee: int | None
    circuit_open: bool


class RoutingDecisionView(View):
    """Who would be asked, and why. `passed_over`: rules that did not apply, each with its first failing condition."""

    object: Literal["routing_decision"]
    rule: str | None
    by: Literal["order", "split", "success_rate", "cost"]
    explored: bool
    passed_over: list[tuple[str, str]]
    candidates: list[CandidateView]
    max_fallbacks: int
    facts: dict[str, Any]
    circuits: Annotated[list[CircuitView], Field(description="Of the candidates that are in trouble")]
    explanation: Annotated[list[str], Field(description="The same in sentences")]


@router.put("/routing", responses=documented_answers({200: RoutingView}))
async def set_routing(door: TheDoor, merchant: Merchant, body: RoutingBody) -> Response:
    """Replace the document. Holds for payments from now on."""
    p = body.model_dump(mode="json", exclude={"rules"}) | {
        "rules": [rule.model_dump(mode="json", exclude_none=True) for rule in body.rules],
        "at": door.ports.clock.now().isoformat(),
    }
    return json_response(await door.ports.store.call("routing_set_v1", merchant, p))


@router.get("/routing", responses=documented_answers({200: RoutingView}))
async def get_routing(door: TheDoor, merchant: Merchant) -> Response:
    """The document as it is."""
    return json_response(await door.ports.store.call("routing_get_v1", merchant, {}))


@router.post("/routing/simulate", responses=documented_answers({200: RoutingDecisionView}))
async def simulate_routing(door: TheDoor, merchant: Merchant, body: SimulateBody) -> Response:
    """What the document would do with a payment, and why; nothing is begun."""
    p = body.model_dump(mode="json") | {
        "payment_id": body.payment_id or new_id("pay"),
        "at": door.ports.clock.now().isoformat(),
    }
    decision = await door.ports.store.call("routing_simulate_v1", merchant, p)
    return json_response({**decision, "explanation": explain(decision)})


@router.get("/routing/circuits", responses=documented_answers({200: list_of(CircuitView)}))
async def list_circuits(door: TheDoor, merchant: Merchant) -> Response:
    """Which accounts are left alone because they fail technically, and until when."""
    p = {"at": door.ports.clock.now().isoformat()}
    return list_response(await door.ports.store.call("circuit_list_v1", merchant, p))


_BECAUSE = {
    "order": "in the order given",
    "split": "by the shares, where the payment's id falls",
    "success_rate": "by approval rates",
    "cost": "cheapest first",
}


def explain(decision: Json) -> list[str]:
    """A routing decision in sentences: rules passed over, what decided, and what holds a candidate back."""
    said = [f"Rule {rule} does not apply: {condition}." for rule, condition in decision["passed_over"]]
    if decision["rule"] is None:
        said.append("No rule applies: the providers stand in the document's order.")
    else:
        said.append(f"Rule {decision['rule']} decides: {_BECAUSE[decision['by']]}.")
    if decision["explored"]:
        first = decision["candidates"][0]["provider"]
        said.append(f"This payment is one of those that explore: {first} is asked first whatever its rate.")
    for circuit in decision["circuits"]:
        name, failures = circuit["provider"], circuit["failures"]
        if circuit["state"] == "open":
            said.append(
                f"{name} goes last: its circuit is open until {circuit['open_until']}, after {failures} failures."
            )
        elif circuit["state"] == "half_open":
            said.append(f"{name} is tried again: its circuit was open until {circuit['open_until']}.")
    return said
