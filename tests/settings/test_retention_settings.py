"""Tests of the settings of the retention: bodies go first."""

import pytest

from receiver.settings.config import load
from tests.support.config import VALID, config_errors


def test_numbers_of_days_are_loaded() -> None:
    """Bodies may be kept for as long as the rest, or shorter."""
    settings = load({**VALID, "RETAIN_BODIES_DAYS": "30", "RETAIN_METADATA_DAYS": "30"})
    assert (settings.retain_bodies_days, settings.retain_metadata_days) == (30, 30)
    settings = load({**VALID, "RETAIN_BODIES_DAYS": "1", "RETAIN_METADATA_DAYS": "36500"})
    assert (settings.retain_bodies_days, settings.retain_metadata_days) == (1, 36500)


@pytest.mark.parametrize("given", [{}, {"RETAIN_BODIES_DAYS": "31"}])
def test_metadata_must_not_go_before_bodies(given: dict[str, str]) -> None:
    """The error names both settings, even if bodies are kept for ever."""
    [error] = config_errors(RETAIN_METADATA_DAYS="30", **given)
    assert error.startswith("RETAIN_METADATA_DAYS ")
    assert "RETAIN_BODIES_DAYS" in error


def test_too_many_days_are_refused() -> None:
    """A number of days that could be before the calendar begins is refused."""
    [error] = config_errors(RETAIN_BODIES_DAYS="36501")
    assert error.startswith("RETAIN_BODIES_DAYS is not a whole number from 1 to 36500")
