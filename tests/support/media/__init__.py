"""Servers of media on loopback, and files for them."""
