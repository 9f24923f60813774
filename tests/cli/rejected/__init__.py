"""Tests of cli/rejected."""
