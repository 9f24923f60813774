"""Tests of what gunicorn's worker adds to a connection."""
