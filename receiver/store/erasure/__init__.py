"""Erasure: what was erased, and what must not be stored again."""
