"""Put the routers together."""

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from gateway.api import (
    disputes,
    events,
    merchants,
    notifications,
    operators,
    payments,
    problems,
    providers,
    refunds,
    reports,
    routing,
    settlements,
    system,
    tokens,
)
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
    resources = (
        payments,
        refunds,
        disputes,
        tokens,
        events,
        providers,
        routing,
        settlements,
        reports,
        operators,
        merchants,
    )
    for module in resources:
        _add(app, module.router, "/v1")
    for module in (notifications, system):
        _add(app, module.router, "")
    problems.install(app)
    app.openapi = lambda: openapi(app)  # type: ignore[method-assign]  # the framework's own way to replace it
    return app


def _add(app: FastAPI, router: APIRouter, prefix: str) -> None:
    """Add a router's routes one by one. `include_router` would look through all of them again at every request."""
    for route in router.routes:
        if not isinstance(route, APIRoute):
            raise TypeError(f"not an API route: {route}")
        app.add_api_route(
            prefix + route.path,
            route.endpoint,
            methods=sorted(route.methods or ()),
            name=route.name,
            status_code=route.status_code,
            responses=route.responses,
            tags=route.tags,
            include_in_schema=route.include_in_schema,
            openapi_extra=route.openapi_extra,
        )
