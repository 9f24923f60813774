"""The commands `push …`."""
