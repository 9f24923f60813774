"""The commands `rejected …`."""
