"""What the gateway needs of Stripe."""
