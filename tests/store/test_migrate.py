"""Tests of the migrations: the tables they make, and that two releases can't collide."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import OperationalError

from receiver.store import schema
from receiver.store.engine import make_engine, transactional
from receiver.store.jobs.rebuild import rebuild
from receiver.store.ledger.record import record
from receiver.store.migrate import MigrationBusyError, migrate
from receiver.store.schema import SCHEMA_VERSION, schema_state
from receiver.store.tables import TransactionId, metadata, transcriptions
from tests.support.old_schemas import return_to_0004, return_to_0005
from tests.support.store_events import START, make_event
from tests.support.waiting import wait_until

pytestmark = pytest.mark.own_database

VERSIONS = Path(schema.__file__).parent / "migrations" / "versions"


def _ignore(_line: str) -> None:
    pass


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
    """The migrated schema doesn't differ from the tables of the code."""
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
    """An empty database is behind, a migrated one current, and one of a later release newer.

    Versions with another form are another application's.
    """
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
        connection.execute(text("UPDATE alembic_version SET version_num = 'ae1027a6acf'"))
        assert schema_state(connection) == "foreign"
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
    return_to_0004(engine)
    migrate(engine, report=_ignore)
    assert not rebuild(engine, ["gap"])
    for job in ("running", "failed"):
        assert rebuild(engine, [job])
        assert _row(engine, job)["transcript_source"] is None
    before = _row(engine, "job")
    assert (before["ended_at"], before["transcript_source"]) == (None, "callback")
    assert rebuild(engine, ["job"])
    changed = {name for name, value in _row(engine, "job").items() if value != before[name]}
    assert changed == {"ended_at", "transaction_id"}


def test_0005_reads_the_ledger_by_its_index(engine: Engine) -> None:
    """Migration 0005 reads the ledger by an index, because callbacks wait for it."""
    record(engine, make_event({"status": "COMPLETED"}))
    return_to_0004(engine)
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
    results = [line for line in reports if line.startswith("The schema")]
    assert sorted(line.rpartition(" ")[2] for line in results) == [*["already."] * 3, "now."]
    for engine in engines:
        engine.dispose()


def test_migration_gives_up_on_a_lock(engine: Engine) -> None:
    """A migration gives up on a lock, because callbacks would wait behind it; it can run again."""
    return_to_0005(engine)
    with transactional(engine).begin() as reader:
        reader.execute(text("SELECT FROM events"))
        with pytest.raises(MigrationBusyError, match="keeps a table locked"):
            migrate(engine, report=_ignore, lock_attempts=1)
    migrate(engine, report=_ignore)
    with engine.connect() as connection:
        assert schema_state(connection) == "current"


def test_migration_tries_again_to_get_a_lock(engine: Engine) -> None:
    """A migration that doesn't get a lock pauses and tries again."""
    return_to_0005(engine)
    waiting = threading.Event()

    def report(line: str) -> None:
        if line.startswith("Another session"):
            waiting.set()

    with ThreadPoolExecutor(1) as pool:
        with transactional(engine).begin() as reader:
            reader.execute(text("SELECT FROM events"))
            migration = pool.submit(migrate, engine, report=report)
            assert waiting.wait(30)
        migration.result(60)
    with engine.connect() as connection:
        assert schema_state(connection) == "current"


class TestIndexBuildThatWaits:
    """A long transaction, such as a dump, makes the build of an index wait."""

    @pytest.fixture
    def reader(self, engine: Engine) -> Iterator[Connection]:
        """Yield a transaction with a snapshot, in a database with schema 0005."""
        return_to_0005(engine)
        isolated = engine.execution_options(isolation_level="REPEATABLE READ")
        with isolated.begin() as reader:
            reader.execute(text("SELECT 1"))
            yield reader

    def test_callbacks_go_on_and_progress_is_shown(
        self, engine: Engine, reader: Connection
    ) -> None:
        """While the build waits, callbacks are recorded, and the wait is reported."""
        lines: list[str] = []
        with ThreadPoolExecutor(1) as pool:
            migration = pool.submit(migrate, engine, report=lines.append, progress_seconds=0.05)
            wait_until(lambda: any("waiting for old snapshots" in line for line in lines))
            record(engine, make_event({"status": "COMPLETED", "source_id": "RE1"}))
            assert not migration.done()
            reader.rollback()
            migration.result(60)
        assert lines[0].startswith("Migrating to version 0006: ")
        assert lines[-1] == f"The schema is at version {SCHEMA_VERSION} now."

    def test_interrupted_build_is_repeated(self, engine: Engine, reader: Connection) -> None:
        """The next migration replaces the invalid index that an interrupted build leaves."""
        with ThreadPoolExecutor(1) as pool:
            migration = pool.submit(migrate, engine, report=_ignore)
            wait_until(lambda: _end_index_build(engine))
            with pytest.raises(OperationalError, match="terminating connection"):
                migration.result(30)
        assert _indexes(engine)["transcriptions_source_new"] is False
        reader.rollback()
        migrate(engine, report=_ignore)
        names = {index.name for index in transcriptions.indexes} | {transcriptions.name + "_pkey"}
        assert _indexes(engine) == dict.fromkeys(names, True)


def _end_index_build(engine: Engine) -> bool:
    """End the session that waits while it builds an index; return whether there is one."""
    statement = text(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_progress_create_index"
        " WHERE phase = 'waiting for old snapshots'"
    )
    with engine.connect() as connection:
        return bool(connection.execute(statement).scalar())


def _indexes(engine: Engine) -> dict[str, bool]:
    """Return for each index of the jobs whether it is valid."""
    statement = text(
        "SELECT indexrelid::regclass::text AS name, indisvalid FROM pg_index"
        " WHERE indrelid = 'transcriptions'::regclass"
    )
    with engine.connect() as connection:
        return {row.name: row.indisvalid for row in connection.execute(statement)}
