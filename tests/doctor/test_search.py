"""Tests of the doctor's check of the search."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from receiver.doctor.finding import Verdict
from receiver.doctor.search import check_search
from receiver.settings.config import Settings, load
from tests.support.searching import index


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    """Return settings with the search on."""
    return load(environ | {"SEARCH": "1"})


def test_search_that_is_off_is_not_checked(settings: Settings, engine: Engine) -> None:
    """Without SEARCH=1, an index that is missing or behind is no finding."""
    assert not list(check_search(replace(settings, search=False), engine))


def test_index_that_is_behind_is_a_warning(settings: Settings, engine: Engine) -> None:
    """The check warns until everything is indexed, and if that was too long ago."""
    [missing] = check_search(settings, engine)
    index(engine)
    [current] = check_search(settings, engine)
    with engine.connect() as connection:
        connection.execute(
            text("UPDATE search_progress SET indexed_through = '2026-04-02T19:31:04Z'")
        )
    [behind] = check_search(settings, engine)
    assert [each.verdict for each in (missing, current, behind)] == [
        *(Verdict.WARN, Verdict.OK, Verdict.WARN)
    ]
    assert "not all indexed yet" in missing.text
    assert "2026-04-02T19:31:04Z" in behind.text
    assert "SEARCH=1" in behind.remedy
