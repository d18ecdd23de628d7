"""Dummypay: each thing that a connector needs, once (the dialect: simulators/dummypay/README.md)."""

from .connector import DummypayConnector
from .spec import SPEC

CONNECTOR = DummypayConnector

__all__ = ["CONNECTOR", "SPEC"]
