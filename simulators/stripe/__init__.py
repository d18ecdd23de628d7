"""A simulated Stripe: PaymentIntents and what belongs to them, for the official SDKs. See README.md for its limits."""

from pathlib import Path

from simulators.kit.spec import SimulatorSpec
from simulators.stripe.app import DIALECT, build, new_credentials
from simulators.stripe.cards import magic

SIMULATOR = SimulatorSpec(
    slug="stripe",
    title="Stripe",
    dialect=DIALECT,
    build=build,
    new_credentials=new_credentials,
    folder=Path(__file__).parent,
    default_port=12111,
    magic=magic,
)
