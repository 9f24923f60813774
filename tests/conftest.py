"""Fixtures for every room."""

from hypothesis import settings

pytest_plugins = [
    "tests.support.signals",
    "tests.support.thorough",
    "tests.support.postgres",
    "tests.support.app",
    "tests.support.scripted_client",
    "tests.support.spooled",
]

# How long an example takes says something about the machine, and nothing about the law.
settings.register_profile("project", deadline=None)
settings.register_profile("thorough", parent=settings.get_profile("project"), max_examples=1_000)
settings.register_profile("long", parent=settings.get_profile("project"), max_examples=20_000)
settings.load_profile("project")
