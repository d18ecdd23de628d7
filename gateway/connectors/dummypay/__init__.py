"""Dummypay: each thing that a connector needs, once (the dialect: simulators/dummypay/README.md)."""

from gateway.connectors.dummypay.connector import DummypayConnector
from gateway.connectors.dummypay.spec import SPEC

CONNECTOR = DummypayConnector

__all__ = ["CONNECTOR", "SPEC"]
