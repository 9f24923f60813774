"""Tests of store/completeness."""
