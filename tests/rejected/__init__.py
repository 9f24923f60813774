"""Tests of what becomes of requests that look like callbacks but don't verify."""
