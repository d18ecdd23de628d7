"""Dummypay: each thing that a connector needs, once; simulators/dummypay/README.md says what is on the wire."""

from gateway.connectors.dummypay.connector import DummypayConnector
from gateway.connectors.dummypay.spec import SPEC

CONNECTOR = DummypayConnector

__all__ = ["CONNECTOR", "SPEC"]
