"""Dummypay: a PSP that does not exist, with a small and complete dialect (see README.md)."""

import random
from dataclasses import replace
from pathlib import Path

from simulators.dummypay import disputes
from simulators.dummypay.routes import ROUTES
from simulators.dummypay.wire import DIALECT
from simulators.kit.accounts import ALPHANUMERIC, World
from simulators.kit.app import Application
from simulators.kit.spec import AsgiApp, SimulatorSpec


def build(world: World) -> AsgiApp:
    """The ASGI application."""
    return Application(world, ROUTES + disputes.ROUTES)


def new_credentials(source: random.Random) -> dict[str, str]:
    """Keys in this PSP's shape."""

    def word(length: int) -> str:
        return "".join(source.choices(ALPHANUMERIC, k=length))

    return {"api_key": f"dummypay_test_{word(24)}", "webhook_secret": f"dummypay_whsec_{word(32)}"}


SIMULATOR = SimulatorSpec(
    slug="dummypay",
    title="Dummypay",
    dialect=replace(DIALECT, actions={**DIALECT.actions, **disputes.ACTIONS}),
    build=build,
    new_credentials=new_credentials,
    folder=Path(__file__).parent,
)
