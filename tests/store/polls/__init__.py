"""Tests of store/polls."""
