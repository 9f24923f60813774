"""The submit command."""
