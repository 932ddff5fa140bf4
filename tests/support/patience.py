"""How long tests wait for programs, servers and answers before they say that one hangs."""

PATIENCE = 600
"""Seconds. Only what hangs takes so long, however slow the machine and whatever else it does."""
