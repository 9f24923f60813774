"""The migrations: what they make, and that two releases can't collide."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import OperationalError

from receiver.store import migrate as migration
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


def _go_back(engine: Engine) -> None:
    """Undo the last migration."""
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


def test_the_migrations_make_the_tables(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tables.py says and what the migrations have made don't differ."""
    # So that the type, which SQLAlchemy doesn't know, is read back as what it is.
    monkeypatch.setitem(engine.dialect.ischema_names, "xid8", TransactionId)  # type: ignore[attr-defined] # of Postgres's dialect
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        assert compare_metadata(context, metadata) == []


def test_bodies_take_lz4_where_the_server_has_it(engine: Engine) -> None:
    """Where it hasn't, they are compressed as ever, and the migration goes on."""
    offered = (
        "SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
    )
    taken = """
        SELECT attcompression = 'l' FROM pg_attribute
        WHERE attrelid = 'events'::regclass AND attname = 'body'
    """
    with engine.connect() as connection:
        assert (
            connection.execute(text(offered)).scalar() == connection.execute(text(taken)).scalar()
        )


def test_the_version_is_the_newest_migration() -> None:
    """The constant that spares the web process Alembic is the last file's number."""
    assert max(path.name[:4] for path in VERSIONS.glob("*.py")) == SCHEMA_VERSION


def test_the_state_of_the_schema(database: str) -> None:
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


def test_what_was_stored_before_0005_is_as_if_it_came_after(engine: Engine) -> None:
    """Of a gap rebuilding changes nothing; of other jobs it writes what nobody asks of them."""
    for told in (
        make_event({"status": "COMPLETED", "updated_at": START, "sentences": 5}, minutes=3),
        make_event({"status": "COMPLETED", "updated_at": None}, source="fetch", minutes=9),
        make_event({"status": "COMPLETED", "updated_at": START}, job="gap", minutes=3),
        make_event({"status": "COMPLETED", "updated_at": None}, job="gap", minutes=1),
        make_event({"status": "RUNNING", "updated_at": None}, job="running"),
        make_event({"status": "FAILED", "updated_at": None}, job="failed", minutes=7),
    ):
        record(engine, told)
    _go_back(engine)
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
    """While it does callbacks wait, and the ledger is as large as all that was ever told."""
    record(engine, make_event({"status": "COMPLETED"}))
    _go_back(engine)
    with engine.connect() as connection:
        # On so small a table it would be the cheaper way.
        name = connection.execute(text("SELECT current_database()")).scalar()
        connection.execute(text(f"ALTER DATABASE {name} SET enable_seqscan = off"))
        connection.execute(text("SELECT pg_stat_reset()"))
    engine.dispose()  # which lets the counts be known, too
    migrate(engine, report=_ignore)
    engine.dispose()
    wait_until(lambda: _scans(engine, "events_job") > 0)


def test_two_releases_do_not_collide(database: str) -> None:
    """Four migrations at once: one does it, the others find it done."""
    engines = [make_engine(database, pool_size=1) for _ in range(4)]
    told: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda engine: migrate(engine, report=told.append), engines))
    assert sorted(line.rpartition(" ")[2] for line in told) == [
        "already.",
        "already.",
        "already.",
        "now.",
    ]
    for engine in engines:
        engine.dispose()


def test_a_migration_gives_up_on_a_lock(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It doesn't stand in a table's queue, where every callback would wait behind it."""
    monkeypatch.setattr(migration, "LOCK_TIMEOUT_SECONDS", 1)
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    holder = engine.execution_options(isolation_level="READ COMMITTED")
    with holder.begin() as connection, ThreadPoolExecutor(1) as pool:
        connection.execute(text("LOCK alembic_version"))
        release = pool.submit(migrate, engine, report=_ignore)
        while not (waits_for_lock(engine) or release.done()):
            pass
        with pytest.raises(OperationalError, match="lock timeout"):
            release.result(30)
