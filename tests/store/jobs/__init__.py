"""Tests of store/jobs."""
