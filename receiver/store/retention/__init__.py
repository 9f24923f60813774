"""Retention: removes in small batches what has been kept for long enough."""
