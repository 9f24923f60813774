"""The option `--thorough`: slow variants of tests, and full sizes; `make test-all` uses it."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `--thorough` run all tests, at full size."""
    parser.addoption("--thorough", action="store_true")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests with the mark `thorough`, unless the option is given."""
    if config.getoption("--thorough"):
        return
    slow = [item for item in items if item.get_closest_marker("thorough")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


@pytest.fixture
def is_thorough(request: pytest.FixtureRequest) -> bool:
    """Return whether the option is given."""
    return bool(request.config.getoption("--thorough"))
