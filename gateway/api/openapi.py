"""The OpenAPI 3.1 document: what FastAPI knows, and every error as the problem that it is."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gateway.api.problems import MEDIA_TYPE, TITLES
from gateway.api.views import ProblemError, ProblemView

_DESCRIPTION = """Money is whole minor units and an ISO 4217 currency. Errors are `application/problem+json`.
A decline is an answer, not an error. 202 means: not known yet, read again or wait for the event."""

_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "sk_… (secret), pk_… (publishable: tokens only), or the admin key (merchants and operator only)",
}


def openapi(app: FastAPI) -> dict[str, Any]:
    """Build the document once and keep it."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=_DESCRIPTION,
            routes=app.routes,
            separate_input_output_schemas=False,
        )
        schemas = document["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas["ProblemError"] = ProblemError.model_json_schema()
        problem = ProblemView.model_json_schema(ref_template="#/components/schemas/{model}")
        problem.pop("$defs", None)
        schemas["ProblemView"] = problem
        document["components"]["securitySchemes"] = {"key": _KEY}
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                _document_problems(path, method, operation)
        app.openapi_schema = document
    return app.openapi_schema


def _document_problems(path: str, method: str, operation: dict[str, Any]) -> None:
    statuses = [500, 503]
    if path.startswith("/v1/"):
        operation["security"] = [{"key": []}]
        statuses += [401, 403, 422, 429]
    if "{" in path:
        statuses += [404]
    if method in {"post", "put", "patch"}:
        statuses += [400, 404, 409, 413, 415, 422]
    if path.startswith("/webhooks/"):
        statuses += [401]
    responses = operation["responses"]
    responses.pop("422", None)
    for status in sorted(set(statuses)):
        responses[str(status)] = {
            "description": TITLES[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemView"}}},
        }
