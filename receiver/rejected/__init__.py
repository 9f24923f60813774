"""Rejected requests: possible callbacks that don't verify. Stores, checks and accepts them."""
