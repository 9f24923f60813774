"""Rejected requests: possible callbacks that don't verify; stored, checked, accepted later."""
