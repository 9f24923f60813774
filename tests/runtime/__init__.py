"""Tests of error descriptions, time limits and work in threads."""
