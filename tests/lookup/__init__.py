"""Tests of the lookup room."""
