"""What a request is for, by the routes of a simulator of that PSP."""

import importlib

from simulators.conform.recorder import OperationOf
from simulators.kit.accounts import World
from simulators.kit.app import Application
from simulators.kit.spec import SimulatorSpec
from simulators.kit.webhooks import Sender


def operations(slug: str | None) -> OperationOf:
    """(method, path) → operation. Without a slug nothing is known. Raises LookupError for an unknown simulator."""
    if slug is None:
        return lambda _method, _path: None
    try:
        spec: SimulatorSpec = importlib.import_module(f"simulators.{slug}").SIMULATOR
    except (ModuleNotFoundError, AttributeError):
        raise LookupError(f"no simulator {slug}") from None
    app = spec.build(World(spec, None, Sender()))
    if not isinstance(app, Application):
        return lambda _method, _path: None
    router = app.router

    def operation(method: str, path: str) -> str | None:
        route, _, _ = router.find(method, path)
        return route.operation if route is not None and route.operation != "*" else None

    return operation
