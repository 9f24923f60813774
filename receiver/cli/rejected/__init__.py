"""The commands under rejected."""
