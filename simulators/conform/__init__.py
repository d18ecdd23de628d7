"""Drift: whether what a simulator answers is what the PSP publishes; and real traffic kept as recorded cases."""
