"""Lookup: the read API, its pages, and the transcript in the formats it is asked for."""
