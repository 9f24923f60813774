"""Tests of cli/submit."""
