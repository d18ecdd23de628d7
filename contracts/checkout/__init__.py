"""What the gateway needs of Checkout.com."""
