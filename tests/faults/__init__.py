"""Faults, made for real: what is sent, what is acknowledged, and what the ledger holds after."""
