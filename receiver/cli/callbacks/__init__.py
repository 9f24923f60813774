"""The commands under callbacks."""
