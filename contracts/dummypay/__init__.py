"""What the gateway needs of Dummypay."""
