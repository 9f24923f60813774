"""Media servers on loopback, and files for them."""
