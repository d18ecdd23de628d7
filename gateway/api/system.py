"""What an operator's tools ask: is it healthy, how is it doing."""

import ipaddress

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from gateway.api.common import TheDoor, documented_answers, json_response
from gateway.api.problems import Problem
from gateway.api.views import HealthView

router = APIRouter(tags=["system"])


@router.get("/healthz", responses=documented_answers({200: HealthView}))
async def healthz(door: TheDoor) -> Response:
    """200 once the database answers; 503 until then."""
    await door.ports.store.system("api_key_lookup_v1", {"hash": ""})
    return json_response({"status": "ok"})


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, door: TheDoor) -> Response:
    """Prometheus figures. In production only for this machine (SEC-17)."""
    if not door.test and not _is_local(request):
        raise Problem(404, "route_not_found", "There is nothing at this address.")
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _is_local(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
