"""Tests of store/rejected."""
