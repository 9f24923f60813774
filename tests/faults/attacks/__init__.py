"""Attacks on a running service: what others do must not delay a callback."""
