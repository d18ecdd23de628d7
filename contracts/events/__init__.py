"""What consumers need of our events: a bookkeeping that follows Kafka, a shop that takes webhooks.

The consumers are examples, small and complete; the events are the gateway's own, written by its stored procedures.
"""
