"""Tests of the migrations: the tables they make, and that two releases can't collide."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import OperationalError

from receiver.store import schema
from receiver.store.engine import make_engine
from receiver.store.jobs.rebuild import rebuild
from receiver.store.ledger.record import record
from receiver.store.migrate import migrate
from receiver.store.schema import SCHEMA_VERSION, schema_state
from receiver.store.tables import TransactionId, metadata, transcriptions
from tests.support.server import wait_until
from tests.support.sessions import waits_for_lock
from tests.support.store_events import START, make_event

pytestmark = pytest.mark.own_database

VERSIONS = Path(schema.__file__).parent / "migrations" / "versions"


def _ignore(_line: str) -> None:
    pass


def _undo_last_migration(engine: Engine) -> None:
    """Change the schema back to version 0004."""
    with engine.connect() as connection:
        connection.execute(
            text(
                "ALTER TABLE transcriptions DROP ended_at, DROP transcript_source;"
                "DROP INDEX transcriptions_conversation_to_come; DROP TABLE watches, passes;"
                "UPDATE alembic_version SET version_num = '0004'"
            )
        )


def _scans(engine: Engine, index: str) -> int:
    """Return how often the index was read."""
    statement = text("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = :index")
    with engine.connect() as connection:
        return int(connection.execute(statement, {"index": index}).scalar_one())


def _row(engine: Engine, job: str) -> dict[str, Any]:
    statement = select(transcriptions).where(transcriptions.c.id == job)
    with engine.connect() as connection:
        return dict(connection.execute(statement).mappings().one())


def test_migrations_match_the_tables(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The migrated schema doesn't differ from tables.py."""
    # SQLAlchemy doesn't know the type; this makes the reflection return ours.
    monkeypatch.setitem(engine.dialect.ischema_names, "xid8", TransactionId)  # type: ignore[attr-defined] # Postgres's dialect has it
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        assert compare_metadata(context, metadata) == []


def test_bodies_use_lz4_where_available(engine: Engine) -> None:
    """Bodies are compressed with lz4 if the server has it, else with the server's default."""
    is_available = (
        "SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
    )
    is_used = """
        SELECT attcompression = 'l' FROM pg_attribute
        WHERE attrelid = 'events'::regclass AND attname = 'body'
    """
    with engine.connect() as connection:
        assert (
            connection.execute(text(is_available)).scalar()
            == connection.execute(text(is_used)).scalar()
        )


def test_schema_version_is_the_newest_migration() -> None:
    """SCHEMA_VERSION is the number of the newest migration's file."""
    assert max(path.name[:4] for path in VERSIONS.glob("*.py")) == SCHEMA_VERSION


def test_schema_state(database: str) -> None:
    """An empty database is behind, a migrated one current, and one of a later release newer."""
    engine = make_engine(database, pool_size=1)
    with engine.connect() as connection:
        assert schema_state(connection) == "behind"
    migrate(engine, report=_ignore)
    with engine.connect() as connection:
        assert schema_state(connection) == "current"
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        assert schema_state(connection) == "newer"
    migrate(engine, report=_ignore)  # an older release's migration leaves it alone
    with engine.connect() as connection:
        assert schema_state(connection) == "newer"
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
        assert schema_state(connection) == "behind"
    engine.dispose()


def test_rows_from_before_0005_equal_rebuilt_ones(engine: Engine) -> None:
    """After 0005, rebuilding changes no gap; in other jobs it changes only unqueried columns."""
    for event in (
        make_event({"status": "COMPLETED", "updated_at": START, "sentences": 5}, minutes=3),
        make_event({"status": "COMPLETED", "updated_at": None}, source="fetch", minutes=9),
        make_event({"status": "COMPLETED", "updated_at": START}, job="gap", minutes=3),
        make_event({"status": "COMPLETED", "updated_at": None}, job="gap", minutes=1),
        make_event({"status": "RUNNING", "updated_at": None}, job="running"),
        make_event({"status": "FAILED", "updated_at": None}, job="failed", minutes=7),
    ):
        record(engine, event)
    _undo_last_migration(engine)
    migrate(engine, report=_ignore)
    assert not rebuild(engine, "gap")
    for job in ("running", "failed"):
        assert rebuild(engine, job)
        assert _row(engine, job)["transcript_source"] is None
    before = _row(engine, "job")
    assert (before["ended_at"], before["transcript_source"]) == (None, "callback")
    assert rebuild(engine, "job")
    changed = {name for name, value in _row(engine, "job").items() if value != before[name]}
    assert changed == {"ended_at", "transaction_id"}


def test_0005_reads_the_ledger_by_its_index(engine: Engine) -> None:
    """Migration 0005 reads the ledger by an index, because callbacks wait for it."""
    record(engine, make_event({"status": "COMPLETED"}))
    _undo_last_migration(engine)
    with engine.connect() as connection:
        # On a table this small, a sequential scan is cheaper.
        name = connection.execute(text("SELECT current_database()")).scalar()
        connection.execute(text(f"ALTER DATABASE {name} SET enable_seqscan = off"))
        connection.execute(text("SELECT pg_stat_reset()"))
    engine.dispose()  # closing the connections also flushes their statistics
    migrate(engine, report=_ignore)
    engine.dispose()
    wait_until(lambda: _scans(engine, "events_job") > 0)


def test_only_one_of_four_migrations_runs(database: str) -> None:
    """Of four migrations at once, one migrates and the others report that it is done."""
    engines = [make_engine(database, pool_size=1) for _ in range(4)]
    reports: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda engine: migrate(engine, report=reports.append), engines))
    assert sorted(line.rpartition(" ")[2] for line in reports) == [
        "already.",
        "already.",
        "already.",
        "now.",
    ]
    for engine in engines:
        engine.dispose()


def test_migration_gives_up_on_a_lock(engine: Engine) -> None:
    """A migration gives up on a lock, because every callback would wait behind it."""
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    holder = engine.execution_options(isolation_level="READ COMMITTED")
    with holder.begin() as connection, ThreadPoolExecutor(1) as pool:
        connection.execute(text("LOCK alembic_version"))
        migration = pool.submit(migrate, engine, report=_ignore, lock_timeout_seconds=1)
        while not (waits_for_lock(engine) or migration.done()):
            pass
        with pytest.raises(OperationalError, match="lock timeout"):
            migration.result(30)
