"""PSPs' notifications: raw bytes in, verified by the connector, stored before the 2xx."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from gateway.api.common import AccountPath, TheDoor, checked_id, documented_answers, json_response
from gateway.api.views import ReceivedView
from gateway.use_cases.receive_webhook import ReceiveWebhook, receive_webhook

router = APIRouter(tags=["notifications"])

_ANSWERS = documented_answers({200: ReceivedView})
_ANSWERS[200]["content"] = {"text/plain": {"schema": {"type": "string"}}}


@router.post(
    "/webhooks/{provider}/{account_id}",
    responses=_ANSWERS,
    openapi_extra={"requestBody": {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def receive(
    request: Request,
    door: TheDoor,
    provider: Annotated[str, Path(json_schema_extra={"pattern": "^[a-z][a-z0-9_]{1,30}$"})],
    account_id: AccountPath,
) -> Response:
    """A notification of a PSP about one of the merchant's operations. 401 unless its signature holds."""
    command = ReceiveWebhook(
        provider=provider,
        account_id=checked_id(account_id, "pa"),
        headers=dict(request.headers),
        body=await request.body(),
    )
    await receive_webhook(door.ports, command)
    acknowledgement = door.ports.connectors.get(provider).spec.acknowledgement
    if acknowledgement is not None:
        return Response(acknowledgement, media_type="text/plain")
    return json_response({"received": True})
