"""Fixtures for every room."""

from hypothesis import settings

pytest_plugins = ["tests.postgres", "tests.app"]

# How long an example takes says something about the machine, and nothing about the law.
settings.register_profile("project", deadline=None)
settings.load_profile("project")
