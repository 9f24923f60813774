"""Tests of reading request bodies."""
