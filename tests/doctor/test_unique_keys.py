"""The check of the unique indexes that every callback needs."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from receiver.settings.config import load
from receiver.store.unique_keys import find_missing_keys
from tests.doctor.test_doctor import SOUND, run_doctor


def _execute(engine: Engine, *statements: str) -> None:
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.mark.own_database
def test_dropped_unique_indexes_are_reported(engine: Engine, client: FlaskClient) -> None:
    """The doctor and `/readyz` name a dropped index, and the doctor's statements restore it."""
    _execute(
        engine,
        "ALTER TABLE events DROP CONSTRAINT events_sha256_key",
        "ALTER TABLE transcriptions DROP CONSTRAINT transcriptions_pkey",
    )
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "The table events has no unique index on sha256" in response.text
    sound, output = run_doctor(load(SOUND), engine)
    assert not sound
    remedies = ["ALTER TABLE events ADD UNIQUE (sha256)"]
    remedies += ["ALTER TABLE transcriptions ADD PRIMARY KEY (id)"]
    assert all(f"Run `{remedy}`" in output for remedy in remedies)
    _execute(engine, *remedies)
    assert run_doctor(load(SOUND), engine)[0]


@pytest.mark.own_database
def test_renamed_unique_index_is_no_problem(engine: Engine) -> None:
    """The names of the indexes make no difference."""
    _execute(engine, "ALTER INDEX events_sha256_key RENAME TO another_name")
    with engine.connect() as connection:
        assert find_missing_keys(connection) == []
