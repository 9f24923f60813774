"""Lookup: the read API, its pages, and the formats of a transcript."""
