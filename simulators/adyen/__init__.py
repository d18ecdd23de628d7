"""A simulated Adyen: the card part of Checkout v71 and v72, for the official SDKs. See README.md for its limits."""

from pathlib import Path

from simulators.adyen.routes import build
from simulators.adyen.wire import DIALECT, new_credentials
from simulators.kit.spec import SimulatorSpec

SIMULATOR = SimulatorSpec(
    slug="adyen",
    title="Adyen",
    dialect=DIALECT,
    build=build,
    new_credentials=new_credentials,
    folder=Path(__file__).parent,
    default_port=12112,
)
