"""A merchant's accounts at PSPs."""

from fastapi import APIRouter
from starlette.responses import Response

from gateway.api.auth import Merchant
from gateway.api.common import (
    AccountPath,
    Cursor,
    Door,
    Limit,
    TheDoor,
    checked_id,
    documented_answers,
    json_response,
    link,
    list_of,
    list_response,
    page,
)
from gateway.api.schemas import CreateProviderAccountBody
from gateway.api.views import DeletedView, ProviderAccountView
from gateway.use_cases.create_provider_account import CreateProviderAccount, create_provider_account
from gateway.use_cases.ports import Json

router = APIRouter(tags=["providers"])

_CREATED = documented_answers(
    {201: ProviderAccountView},
    Read=link("get_provider_account", "path.account_id"),
    Delete=link("delete_provider_account", "path.account_id"),
)


@router.post("/provider_accounts", status_code=201, responses=_CREATED)
async def add_provider_account(door: TheDoor, merchant: Merchant, body: CreateProviderAccountBody) -> Response:
    """Connect an account at a PSP. Have its notifications sent to `webhook_path`: those of `webhook_events` suffice."""
    command = CreateProviderAccount(
        merchant=merchant,
        provider=body.provider,
        base_url=body.base_url,
        credentials=body.credentials,
        settings=body.settings.model_dump(exclude_none=True),
        test=door.test,
    )
    return json_response(_shown(door, await create_provider_account(door.ports, door.egress, command)), 201)


@router.get("/provider_accounts", responses=documented_answers({200: list_of(ProviderAccountView)}))
async def list_provider_accounts(
    door: TheDoor, merchant: Merchant, limit: Limit = 20, cursor: Cursor = None
) -> Response:
    """The merchant's accounts at PSPs."""
    found: Json = await door.ports.store.call("provider_account_list_v1", merchant, page(limit, cursor))
    return list_response(found | {"data": [_shown(door, view) for view in found["data"]]})


@router.get("/provider_accounts/{account_id}", responses=documented_answers({200: ProviderAccountView}))
async def get_provider_account(door: TheDoor, merchant: Merchant, account_id: AccountPath) -> Response:
    """One account, without its credentials."""
    p = {"account_id": checked_id(account_id, "pa")}
    return json_response(_shown(door, await door.ports.store.call("provider_account_get_v1", merchant, p)))


@router.delete("/provider_accounts/{account_id}", responses=documented_answers({200: DeletedView}))
async def delete_provider_account(door: TheDoor, merchant: Merchant, account_id: AccountPath) -> Response:
    """Route no new payment there. What is under way still resolves through it."""
    known = checked_id(account_id, "pa")
    p = {"account_id": known, "at": door.ports.clock.now().isoformat()}
    await door.ports.store.call("provider_account_delete_v1", merchant, p)
    return json_response({"id": known, "object": "provider_account", "deleted": True})


def _shown(door: Door, view: Json) -> Json:
    """The stored view and what only the connector knows: the names of the notifications that it reads."""
    return view | {"webhook_events": list(door.ports.connectors.get(view["provider"]).spec.webhook_events)}
