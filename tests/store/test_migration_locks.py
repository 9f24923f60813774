"""Tests that no migration blocks callbacks for as long as it reads a table."""

import psycopg
import pytest
from sqlalchemy import Engine, text

from receiver.store.engine import make_engine, transactional
from receiver.store.migrate import migrate
from tests.support.table_locks import watched_locks

pytestmark = pytest.mark.own_database

_FIRST_ROWS = """
INSERT INTO events (sha256, source, body_bytes, received_at, last_received_at, outcome)
VALUES ('x', 'callback', 0, now(), now(), 'applied');
INSERT INTO transcriptions (id, account_id, status, first_seen_at, key_terminal, key_updated_at,
                            key_source, key_sha256)
VALUES ('job', 'AC1', 'COMPLETED', now(), 1, now(), 3, 'x')
"""


def _tables(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND oid >= 16384")
    return [name for (name,) in rows]


def test_migrations_do_not_block_writers(database: str) -> None:
    """No migration reads an existing table while it blocks that table's writers."""
    engine = make_engine(database, pool_size=1)
    steps = 0
    with psycopg.connect(database, autocommit=True) as admin, watched_locks() as watch:

        def report(line: str) -> None:
            nonlocal steps
            if not line.startswith("Migrating to version"):
                return
            steps += 1
            watch.tables = _tables(admin)
            if steps == 2:
                admin.execute(_FIRST_ROWS)

        migrate(engine, report=report)
    engine.dispose()
    assert steps > 5
    assert watch.violations == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX blocking ON transcriptions (duration)",
        "ALTER TABLE events ALTER COLUMN body_bytes TYPE bigint",
        "ALTER TABLE events ADD CHECK (body_bytes >= 0)",
        "ALTER TABLE events ALTER COLUMN job_id SET NOT NULL",
        "ALTER TABLE events ADD extra text; UPDATE events SET extra = ''",
    ],
)
def test_statement_that_blocks_writers_is_found(engine: Engine, statement: str) -> None:
    """The test of the migrations finds a statement that reads a table and blocks its writers."""
    with watched_locks() as watch, transactional(engine).connect() as connection:
        watch.tables = ["events", "transcriptions"]
        connection.execute(text(statement))
        connection.rollback()
    assert len(watch.violations) == 1


def test_plain_index_in_autocommit_is_found(engine: Engine) -> None:
    """The test of the migrations finds a plain CREATE INDEX outside a transaction."""
    with watched_locks() as watch, engine.connect() as connection:
        connection.execute(text("CREATE INDEX CONCURRENTLY one ON transcriptions (duration)"))
        connection.execute(text("CREATE INDEX two ON transcriptions (duration)"))
    assert watch.violations == ["CREATE INDEX two ON transcriptions (duration)"]
