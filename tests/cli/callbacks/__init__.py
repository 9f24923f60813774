"""Tests of cli/callbacks."""
