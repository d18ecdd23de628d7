"""What all contracts share: shapes, the consumer's side, the provider's side, the broker, the coverage page."""
