"""Dummypay: the reference provider. A new provider begins as a copy of this folder, so it shows each thing once."""

from gateway.connectors.dummypay.connector import DummypayConnector
from gateway.connectors.dummypay.spec import SPEC

CONNECTOR = DummypayConnector

__all__ = ["CONNECTOR", "SPEC"]
