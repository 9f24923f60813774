"""Fixtures for all tests, and the profiles of Hypothesis."""

from hypothesis import settings

pytest_plugins = [
    "tests.support.signals",
    "tests.support.thorough",
    "tests.support.postgres",
    "tests.support.app",
    "tests.support.restricted_role",
    "tests.support.scripted_client",
    "tests.support.spooled",
    "tests.support.shared_service",
]

# No deadline: an example's duration depends on the machine and says nothing about the code.
settings.register_profile("project", deadline=None)
settings.register_profile("thorough", parent=settings.get_profile("project"), max_examples=1_000)
settings.register_profile("long", parent=settings.get_profile("project"), max_examples=20_000)
settings.load_profile("project")
