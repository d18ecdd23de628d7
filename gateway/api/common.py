"""What the routers share: the ports behind a request, answers as bytes, parameters, documentation of answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Depends, Header, Path, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from gateway.api.schemas import ID
from gateway.api.views import ListView
from gateway.domain.errors import NotFound
from gateway.observability import payment_id as payment_context
from gateway.use_cases.operate import Answer, IdempotencyKey
from gateway.use_cases.ports import ApiKeys, Egress, Json, Ports, Store

ViewType = TypeVar("ViewType", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Door:
    """Everything that the routers need, put into `app.state.door` once by the composition root.

    `operator_store` is the one that may create merchants; `request_fingerprint` is the keyed hash of path and body.
    """

    ports: Ports
    operator_store: Store
    egress: Egress
    keys: ApiKeys
    fingerprints: "Fingerprints"
    environment: str

    @property
    def test(self) -> bool:
        """Whether this is the test profile."""
        return self.environment == "test"


class Fingerprints:
    """Keyed hashes of requests. `key` is anything with `request_fingerprint(path, body)`."""

    def __init__(self, ring: Any) -> None:
        self._ring = ring

    def of(self, path: str, body: Json) -> str:
        """The fingerprint of a request, its CVV and its CAVV left out: not even a hash of one may be kept
        (PCI DSS 3.3.1).
        """
        card = body.get("card")
        if isinstance(card, dict) and "cvc" in card:
            body = body | {"card": {name: value for name, value in card.items() if name != "cvc"}}
        proof = body.get("three_ds")
        if isinstance(proof, dict):
            body = body | {"three_ds": {name: value for name, value in proof.items() if name != "cavv"}}
        fingerprint: str = self._ring.request_fingerprint(path, body)
        return fingerprint


async def door_of(request: Request) -> Door:
    """The door of the application that serves this request."""
    door: Door = request.app.state.door
    return door


TheDoor = Annotated[Door, Depends(door_of)]

IdempotencyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description="1 to 255 printable characters. A repeat with the same body gets the same answer",
    ),
]


async def idempotency_of(request: Request, door: Door, key: str | None) -> IdempotencyKey | None:
    """The idempotency key of a request. Its scope is method and path, so one key may serve different operations."""
    if key is None:
        return None
    path = request.scope["path"]
    body = await request.json() if await request.body() else None
    # An optional body may be left out or be null: the same request.
    return IdempotencyKey(f"{request.method} {path}", key, door.fingerprints.of(path, body or {}))


def json_response(view: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A view as the database built it, normalised: equal views give equal bytes."""
    return Response(orjson.dumps(view), status, headers, "application/json")


def answer_response(answer: Answer) -> Response:
    """A money answer; a replay says so."""
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
    return json_response(answer.view, answer.status, headers)


def list_response(page: Json) -> Response:
    """`{data, has_more, next_cursor}` of a list function, as a list object."""
    return json_response({"object": "list"} | page)


# Ids ------------------------------------------------------------------------------------------------------------------


def _id_parameter(prefix: str, name: str) -> Any:
    pattern = "^del_[0-9a-z_]{26,60}$" if prefix == "del" else f"^{prefix}_{ID}$"
    return Path(alias=name, json_schema_extra={"pattern": pattern})


PaymentPath = Annotated[str, _id_parameter("pay", "payment_id")]
TokenPath = Annotated[str, _id_parameter("tok", "token_id")]
RefundPath = Annotated[str, _id_parameter("ref", "refund_id")]
EventPath = Annotated[str, _id_parameter("evt", "event_id")]
EndpointPath = Annotated[str, _id_parameter("we", "endpoint_id")]
DeliveryPath = Annotated[str, _id_parameter("del", "delivery_id")]
AccountPath = Annotated[str, _id_parameter("pa", "account_id")]
SettlementPath = Annotated[str, _id_parameter("stl", "settlement_id")]
DisputePath = Annotated[str, _id_parameter("dsp", "dispute_id")]
MerchantPath = Annotated[str, _id_parameter("mer", "merchant_id")]

_NAMES = {
    "pay": "payment",
    "tok": "token",
    "ref": "refund",
    "evt": "event",
    "we": "webhook_endpoint",
    "del": "webhook_delivery",
    "pa": "provider_account",
    "stl": "settlement",
    "dsp": "dispute",
    "mer": "merchant",
}
_ALPHABET = frozenset("0123456789abcdefghjkmnpqrstvwxyz_")


def checked_id(value: str, prefix: str, name: str | None = None) -> str:
    """`value` if it can be an id of this kind. Raises the same `NotFound` as an id that nobody has.

    `name` says what it is an id of, where the prefix does not.
    """
    head, _, tail = value.partition("_")
    # A delivery's id is its event's and its endpoint's together, and longer.
    if head != prefix or not (len(tail) == 26 or prefix == "del") or not _ALPHABET.issuperset(tail):
        name = name or _NAMES[prefix]
        raise NotFound(f"{name}_not_found", f"No such {name.replace('_', ' ')}.")
    if prefix == "pay":
        payment_context.set(value)
    return value


# Lists ----------------------------------------------------------------------------------------------------------------

Limit = Annotated[int, Query(ge=1, le=100, description="Entries per page")]
Cursor = Annotated[
    str | None, Query(pattern=r"^[a-z]{2,5}_[0-9a-z_]{26,60}$", description="`next_cursor` of the page before this one")
]


def page(limit: int, cursor: str | None, **filters: str | None) -> Json:
    """The arguments of a list function."""
    p: Json = {"limit": limit}
    if cursor is not None:
        p["cursor"] = cursor
    return p | {name: value for name, value in filters.items() if value is not None}


# Documentation --------------------------------------------------------------------------------------------------------


def documented_answers(statuses: Mapping[int, type[BaseModel]], **links: Json) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route. `links` go to the first status: they say which calls its id leads to."""
    answers: dict[int | str, dict[str, Any]] = {status: {"model": model} for status, model in statuses.items()}
    if links:
        first = next(iter(answers.values()))
        first["links"] = links
    return answers


def link(operation: str, parameter: str, pointer: str = "/id") -> Json:
    """One OpenAPI link: `pointer` into the answer's body gives `parameter` (`path.payment_id`) of `operation`."""
    return {"operationId": operation, "parameters": {parameter: f"$response.body#{pointer}"}}


def list_of(view: type[ViewType]) -> type[ListView[ViewType]]:
    """The model of one page of these views."""
    return ListView[view]  # type: ignore[valid-type]  # a type made at run time, for the document only
