"""Tokens: a card goes in, and never comes out."""

from fastapi import APIRouter
from starlette.responses import Response

from gateway.api.auth import Merchant, TokenMerchant
from gateway.api.common import TheDoor, TokenPath, checked_id, documented_answers, json_response, link
from gateway.api.schemas import CreateTokenBody
from gateway.api.views import TokenView
from gateway.use_cases.create_token import CreateToken, create_token

router = APIRouter(tags=["tokens"])


@router.post(
    "/tokens",
    name="create_token",
    status_code=201,
    responses=documented_answers(
        {201: TokenView},
        Read=link("get_token", "path.token_id"),
        Pay={
            "operationId": "create_payment",
            "requestBody": {"amount": 4200, "currency": "EUR", "token": "$response.body#/id"},
        },
    ),
)
async def create_a_token(door: TheDoor, merchant: TokenMerchant, body: CreateTokenBody) -> Response:
    """Exchange a card for a token. The only call that a publishable key may make, so that a page can."""
    view = await create_token(door.ports, CreateToken(merchant, body.card.secret()))
    return json_response(view, 201)


@router.get("/tokens/{token_id}", responses=documented_answers({200: TokenView}))
async def get_token(door: TheDoor, merchant: Merchant, token_id: TokenPath) -> Response:
    """What may be shown of a card."""
    p = {"token_id": checked_id(token_id, "tok")}
    return json_response(await door.ports.store.call("token_get_v1", merchant, p))
