"""Merchants: for the operator alone."""

import dataclasses

from fastapi import APIRouter
from starlette.responses import Response

from gateway.api.auth import Admin
from gateway.api.common import TheDoor, documented_answers, json_response
from gateway.api.schemas import CreateMerchantBody
from gateway.api.views import MerchantView
from gateway.use_cases.create_merchant import CreateMerchant, create_merchant

router = APIRouter(tags=["merchants"])


@router.post("/merchants", name="create_merchant", status_code=201, responses=documented_answers({201: MerchantView}))
async def create_a_merchant(door: TheDoor, _: Admin, body: CreateMerchantBody) -> Response:
    """A new tenant. Its two keys are shown this once."""
    ports = dataclasses.replace(door.ports, store=door.operator_store)
    view = await create_merchant(ports, door.keys, CreateMerchant(body.name, door.environment))
    return json_response(view, 201)
