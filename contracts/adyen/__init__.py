"""What the gateway needs of Adyen."""
