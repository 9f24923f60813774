"""The commands `callbacks …`."""
