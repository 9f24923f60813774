"""Tests of store/submissions."""
