"""Requests that look like callbacks but don't verify: kept, explained, taken once they do."""
