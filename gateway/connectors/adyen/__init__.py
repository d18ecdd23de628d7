"""Adyen: Checkout API v71 with card data sent by the server, and its standard notifications.

Nothing reads a payment at Adyen. What resolves an unknown is the idempotency key, and the notification, whose signed
content is the truth: captures, cancels and refunds are only received at first and end by it.
"""

from gateway.connectors.adyen.connector import AdyenConnector
from gateway.connectors.adyen.spec import SPEC

CONNECTOR = AdyenConnector

__all__ = ["CONNECTOR", "SPEC"]
