"""A simulated Checkout.com: card payments of its unified (NAS) API, for the official SDKs. See README.md for limits."""

from pathlib import Path

from simulators.checkout.routes import DIALECT, ROUTES
from simulators.checkout.wire import new_credentials
from simulators.kit.accounts import World
from simulators.kit.app import Application
from simulators.kit.spec import AsgiApp, SimulatorSpec


def build(world: World) -> AsgiApp:
    """The ASGI application."""
    return Application(world, ROUTES)


SIMULATOR = SimulatorSpec(
    slug="checkout",
    title="Checkout.com",
    dialect=DIALECT,
    build=build,
    new_credentials=new_credentials,
    folder=Path(__file__).parent,
    default_port=12113,
)
