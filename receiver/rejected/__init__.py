"""Requests that may be callbacks but don't verify: kept, explained, taken once they do."""
