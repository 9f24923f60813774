"""Tests of the metrics' tables."""
