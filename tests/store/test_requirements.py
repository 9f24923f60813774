"""Tests of what `migrate` refuses: it names the cause and the remedy, and changes nothing."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from app import create_app
from dev.postgres import Server
from receiver.store.migrate import migrate
from receiver.store.requirements import UnsuitableDatabaseError, version_problem
from receiver.store.schema import schema_state
from tests.support.command import run
from tests.support.environment import ENVIRON, close_app, open_engine

pytestmark = pytest.mark.own_database


def _ignore(_line: str) -> None:
    pass


def _refusal(url: str) -> str:
    """Return why the database isn't migrated."""
    with open_engine(url) as engine, pytest.raises(UnsuitableDatabaseError) as caught:
        migrate(engine, report=_ignore)

    return str(caught.value)


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def _tables(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT relname FROM pg_class WHERE relkind='r' AND oid >= 16384")
        return sorted(name for (name,) in rows)


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_JP", "SQL_ASCII"])
def test_only_utf8_is_accepted(postgres: Server, encoding: str) -> None:
    """A database with another encoding is refused in a sentence that says how to create one.

    /readyz and the doctor say the same.
    """
    name = f"test_{uuid.uuid4().hex}"
    create = f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
    _execute(postgres.url(), create)
    try:
        message = _refusal(postgres.url(name))
        tables = _tables(postgres.url(name))
        app = create_app({**ENVIRON, "DATABASE_URL": postgres.url(name)})
        ready = app.test_client().get("/readyz")
        doctor = run(app, "doctor")
        close_app(app)
    finally:
        _execute(postgres.url(), f"DROP DATABASE {name} WITH (FORCE)")
    assert f"encoding {encoding}" in message
    assert ready.status_code == 503
    assert f"encoding {encoding}" in ready.get_data(as_text=True)
    assert f"FAIL  database: the database has the encoding {encoding}" in doctor.stdout
    assert "createdb --encoding UTF8 --template template0" in message
    assert tables == []


@pytest.mark.parametrize(("version", "is_refused"), [(15, True), (16, False), (18, False)])
def test_postgres_16_is_the_oldest_version(version: int, *, is_refused: bool) -> None:
    """The statements need Postgres 16 or newer."""
    assert bool(version_problem(version)) == is_refused


_OTHERS_MIGRATIONS = """
CREATE TABLE alembic_version (version_num text);
INSERT INTO alembic_version VALUES ('ae1027a6acf')
"""
_SIMILAR_VERSION = """
CREATE TABLE alembic_version (version_num text);
INSERT INTO alembic_version VALUES ('0005');
CREATE TABLE events (id int)
"""


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        ("CREATE TABLE events (id int)", "events"),
        ("CREATE VIEW passes AS SELECT 1", "passes"),
        (_OTHERS_MIGRATIONS, "alembic_version"),
        (_SIMILAR_VERSION, "alembic_version"),
    ],
)
def test_tables_of_another_application_are_not_touched(
    database: str, statements: str, named: str
) -> None:
    """A database with another application's tables is refused; a schema of its own is accepted."""
    _execute(database, statements)
    before = _tables(database)
    message = _refusal(database)
    assert f"({named})" in message
    assert "?options=-csearch_path%3Dreceiver" in message
    assert _tables(database) == before
    _execute(database, "CREATE SCHEMA receiver")
    with open_engine(f"{database}?options=-csearch_path%3Dreceiver") as engine:
        migrate(engine, report=_ignore)
        with engine.connect() as connection:
            assert schema_state(connection) == "current"


@pytest.fixture
def role(database: str) -> Iterator[str]:
    """Yield the name of a role without privileges; drop it afterwards."""
    name = f"role_{uuid.uuid4().hex}"
    _execute(database, f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
    yield name
    _execute(database, f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


def _as(role: str, url: str) -> str:
    parts = psycopg.conninfo.conninfo_to_dict(url)

    return f"postgresql://{role}:{role}@{parts['host']}:{parts['port']}/{parts['dbname']}"


def test_missing_create_privilege_is_named(database: str, role: str) -> None:
    """A role that may not create tables is refused with the GRANT that it needs."""
    message = _refusal(_as(role, database))
    assert f"GRANT CREATE ON SCHEMA public TO {role}" in message
    _execute(database, f"GRANT CREATE ON SCHEMA public TO {role}")
    with open_engine(_as(role, database)) as engine:
        migrate(engine, report=_ignore)


def test_schema_that_can_not_be_used_is_named(database: str, role: str) -> None:
    """A role without USAGE on its schema is refused with the GRANT that it needs."""
    _execute(database, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    assert f"GRANT USAGE, CREATE ON SCHEMA public TO {role}" in _refusal(_as(role, database))


@pytest.mark.parametrize("grant", ["SELECT", "INSERT"])
def test_tables_of_another_role_are_named(database: str, role: str, grant: str) -> None:
    """A role that can't change the tables, or their version, is refused, naming the owner."""
    with open_engine(database) as engine:
        migrate(engine, report=_ignore)
    _execute(
        database,
        f"UPDATE alembic_version SET version_num = '0005'; GRANT CREATE ON SCHEMA public TO {role};"
        f"GRANT {grant} ON ALL TABLES IN SCHEMA public TO {role}",
    )
    message = _refusal(_as(role, database))
    assert f"The table events belongs to the role postgres, so {role} can't change it." in message
    assert f"GRANT postgres TO {role}" in message
