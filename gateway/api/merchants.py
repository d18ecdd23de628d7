"""Merchants: for the operator alone."""

import dataclasses

from fastapi import APIRouter
from starlette.responses import Response

from gateway.api.auth import Admin
from gateway.api.common import MerchantPath, TheDoor, checked_id, documented_answers, json_response, link
from gateway.api.schemas import CreateMerchantBody, UpdateMerchantBody
from gateway.api.views import MerchantView, NewMerchantView
from gateway.use_cases.create_merchant import CreateMerchant, create_merchant

router = APIRouter(tags=["merchants"])

_MADE = documented_answers(
    {201: NewMerchantView},
    Read=link("get_merchant", "path.merchant_id"),
    Change=link("update_merchant", "path.merchant_id"),
)


@router.post("/merchants", name="create_merchant", status_code=201, responses=_MADE)
async def create_a_merchant(door: TheDoor, _: Admin, body: CreateMerchantBody) -> Response:
    """A new tenant. Its two keys are shown this once."""
    ports = dataclasses.replace(door.ports, store=door.operator_store)
    command = CreateMerchant(body.name, door.environment, mcc=body.mcc, country=body.country)
    return json_response(await create_merchant(ports, door.keys, command), 201)


@router.get("/merchants/{merchant_id}", name="get_merchant", responses=documented_answers({200: MerchantView}))
async def get_a_merchant(door: TheDoor, _: Admin, merchant_id: MerchantPath) -> Response:
    """What is known of a merchant; its keys are not shown again."""
    p = {"merchant_id": checked_id(merchant_id, "mer")}
    return json_response(await door.operator_store.system("merchant_get_v1", p))


@router.patch("/merchants/{merchant_id}", name="update_merchant", responses=documented_answers({200: MerchantView}))
async def update_a_merchant(door: TheDoor, _: Admin, merchant_id: MerchantPath, body: UpdateMerchantBody) -> Response:
    """Change name, category or country. Payments from now on are routed by it, and sent with it."""
    p = {"merchant_id": checked_id(merchant_id, "mer")} | body.model_dump(exclude_unset=True)
    return json_response(await door.operator_store.system("merchant_update_v1", p))
