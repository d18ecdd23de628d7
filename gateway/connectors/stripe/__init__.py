"""Stripe: PaymentIntents with card data sent by the server, API version 2023-08-16 and later.

What resolves an unknown: the idempotency key first (stored for 24 h, the answer of the first executed request, 500s
included), then the intent by its id, then the search on metadata, whose index lags behind (Stripe names a minute in
ordinary operation). Webhooks are hints: the object is read.
"""

from gateway.connectors.stripe.connector import StripeConnector
from gateway.connectors.stripe.spec import SPEC

CONNECTOR = StripeConnector

__all__ = ["CONNECTOR", "SPEC"]
