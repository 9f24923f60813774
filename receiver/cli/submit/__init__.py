"""The command `submit`."""
