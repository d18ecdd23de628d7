"""Put the routers together."""

from fastapi import APIRouter, Depends, FastAPI

from gateway.api import events, merchants, notifications, payments, problems, providers, refunds, system, tokens
from gateway.api.auth import documented
from gateway.api.common import only_known_queries
from gateway.api.openapi import openapi

VERSION = "1"


def build_app() -> FastAPI:
    """The application without its edge. Whoever builds it puts a `Door` into `app.state.door`."""
    app = FastAPI(
        title="Payera",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    v1 = APIRouter(prefix="/v1", dependencies=[documented, Depends(only_known_queries)])
    for module in (payments, refunds, tokens, events, providers, merchants):
        v1.include_router(module.router)
    app.include_router(v1)
    app.include_router(notifications.router)
    app.include_router(system.router)
    problems.install(app)
    app.openapi = lambda: openapi(app)  # type: ignore[method-assign]  # the framework's own way to replace it
    return app
