"""Checkout.com: its current ("NAS") API with card data sent by the server.

What resolves an unknown is a read, never a blind repetition: only a 2xx is stored under an idempotency key, so after a
5xx the same key executes again. Payments are found by our reference, captures, voids and refunds among the actions of
their payment, by our reference too. Captures, voids and refunds are accepted first and read later; webhooks are hints.
"""

from gateway.connectors.checkout.connector import CheckoutConnector
from gateway.connectors.checkout.spec import SPEC

CONNECTOR = CheckoutConnector

__all__ = ["CONNECTOR", "SPEC"]
