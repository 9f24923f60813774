"""Reads request bodies within limits of size and memory."""
