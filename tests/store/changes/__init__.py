"""Tests of store/changes."""
