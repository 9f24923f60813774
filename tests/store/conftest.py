"""The store's tests run on every version of Postgres that it supports."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Mark each of them."""
    metafunc.definition.add_marker("both_postgres")
