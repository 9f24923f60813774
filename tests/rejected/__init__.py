"""Tests of storing requests that look like callbacks but don't verify."""
