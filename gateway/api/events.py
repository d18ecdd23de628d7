"""Events, and their way to the merchant: endpoints and deliveries."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway.api.auth import Merchant
from gateway.api.common import (
    Cursor,
    DeliveryPath,
    EndpointPath,
    EventPath,
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
from gateway.api.schemas import ID, CreateWebhookEndpointBody, UpdateWebhookEndpointBody
from gateway.api.views import (
    CreatedWebhookEndpointView,
    DeletedView,
    DeliveryView,
    EventView,
    WebhookEndpointView,
)
from gateway.use_cases.manage_webhook_endpoints import (
    CreateWebhookEndpoint,
    UpdateWebhookEndpoint,
    create_webhook_endpoint,
    update_webhook_endpoint,
)

router = APIRouter(tags=["events"])


@router.get("/events", responses=documented_answers({200: list_of(EventView)}))
async def list_events(door: TheDoor, merchant: Merchant, limit: Limit = 20, cursor: Cursor = None) -> Response:
    """The merchant's events, newest first."""
    return list_response(await door.ports.store.call("event_list_v1", merchant, page(limit, cursor)))


@router.get("/events/{event_id}", responses=documented_answers({200: EventView}))
async def get_event(door: TheDoor, merchant: Merchant, event_id: EventPath) -> Response:
    """One event, with the bytes that were published."""
    p = {"event_id": checked_id(event_id, "evt")}
    return json_response(await door.ports.store.call("event_get_v1", merchant, p))


_CREATED = documented_answers(
    {201: CreatedWebhookEndpointView},
    Read=link("get_webhook_endpoint", "path.endpoint_id"),
    Update=link("change_webhook_endpoint", "path.endpoint_id"),
    Delete=link("delete_webhook_endpoint", "path.endpoint_id"),
)


@router.post("/webhook_endpoints", status_code=201, responses=_CREATED)
async def add_webhook_endpoint(door: TheDoor, merchant: Merchant, body: CreateWebhookEndpointBody) -> Response:
    """Have events sent to a URL, signed as Standard Webhooks say. The secret is shown this once."""
    command = CreateWebhookEndpoint(merchant, body.url, body.enabled_events)
    return json_response(await create_webhook_endpoint(door.ports, door.egress, command), 201)


@router.get("/webhook_endpoints", responses=documented_answers({200: list_of(WebhookEndpointView)}))
async def list_webhook_endpoints(
    door: TheDoor, merchant: Merchant, limit: Limit = 20, cursor: Cursor = None
) -> Response:
    """The merchant's endpoints."""
    return list_response(await door.ports.store.call("webhook_endpoint_list_v1", merchant, page(limit, cursor)))


@router.get("/webhook_endpoints/{endpoint_id}", responses=documented_answers({200: WebhookEndpointView}))
async def get_webhook_endpoint(door: TheDoor, merchant: Merchant, endpoint_id: EndpointPath) -> Response:
    """One endpoint, without its secret."""
    p = {"endpoint_id": checked_id(endpoint_id, "we")}
    return json_response(await door.ports.store.call("webhook_endpoint_get_v1", merchant, p))


@router.patch("/webhook_endpoints/{endpoint_id}", responses=documented_answers({200: WebhookEndpointView}))
async def change_webhook_endpoint(
    door: TheDoor, merchant: Merchant, endpoint_id: EndpointPath, body: UpdateWebhookEndpointBody
) -> Response:
    """Change where events go or which; bring back an endpoint that was disabled."""
    command = UpdateWebhookEndpoint(
        merchant=merchant,
        endpoint_id=checked_id(endpoint_id, "we"),
        url=body.url,
        enabled_events=body.enabled_events,
        enabled=None if body.status is None else body.status == "enabled",
    )
    return json_response(await update_webhook_endpoint(door.ports, door.egress, command))


@router.delete("/webhook_endpoints/{endpoint_id}", responses=documented_answers({200: DeletedView}))
async def delete_webhook_endpoint(door: TheDoor, merchant: Merchant, endpoint_id: EndpointPath) -> Response:
    """Send nothing there any more."""
    known = checked_id(endpoint_id, "we")
    p = {"endpoint_id": known, "at": door.ports.clock.now().isoformat()}
    await door.ports.store.call("webhook_endpoint_delete_v1", merchant, p)
    return json_response({"id": known, "object": "webhook_endpoint", "deleted": True})


@router.get("/webhook_deliveries", responses=documented_answers({200: list_of(DeliveryView)}))
async def list_webhook_deliveries(
    door: TheDoor,
    merchant: Merchant,
    limit: Limit = 20,
    cursor: Cursor = None,
    endpoint: Annotated[str | None, Query(pattern=rf"^we_{ID}$")] = None,
    status: Literal["pending", "delivered", "dead"] | None = None,
) -> Response:
    """What was sent, is still to be sent, or was given up."""
    p = page(limit, cursor, endpoint_id=endpoint, status=status)
    return list_response(await door.ports.store.call("delivery_list_v1", merchant, p))


@router.post("/webhook_deliveries/{delivery_id}/replay", responses=documented_answers({200: DeliveryView}))
async def replay_webhook_delivery(door: TheDoor, merchant: Merchant, delivery_id: DeliveryPath) -> Response:
    """Send it once more from the start of the schedule: for a dead one, or one that the receiver lost."""
    p = {"delivery_id": checked_id(delivery_id, "del"), "at": door.ports.clock.now().isoformat()}
    return json_response(await door.ports.store.call("delivery_replay_v1", merchant, p))
