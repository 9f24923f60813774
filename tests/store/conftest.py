"""Runs the store's tests on every supported version of Postgres."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Mark each test, so that it runs on every version."""
    metafunc.definition.add_marker("both_postgres")
