"""The commands `erase …`."""
