"""The migrations: what they make, and that two releases can't collide."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from receiver.store import migrate as migration
from receiver.store import schema
from receiver.store.engine import make_engine
from receiver.store.migrate import migrate
from receiver.store.schema import VERSION, schema_state
from receiver.store.tables import TransactionId, metadata
from tests.store.sessions import waits_for_lock

VERSIONS = Path(schema.__file__).parent / "migrations" / "versions"


def _ignore(_line: str) -> None:
    pass


def test_the_migrations_make_the_tables(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tables.py says and what the migrations have made don't differ."""
    # So that the type, which SQLAlchemy doesn't know, is read back as what it is.
    monkeypatch.setitem(engine.dialect.ischema_names, "xid8", TransactionId)  # type: ignore[attr-defined] # of Postgres's dialect
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": False})
        assert compare_metadata(context, metadata) == []


def test_the_version_is_the_newest_migration() -> None:
    """The constant that spares the web process Alembic is the last file's number."""
    assert max(path.name[:4] for path in VERSIONS.glob("*.py")) == VERSION


def test_the_state_of_the_schema(database: str) -> None:
    """An empty database is behind, a migrated one current, and one of a later release newer."""
    engine = make_engine(database, pool_size=1)
    with engine.connect() as connection:
        assert schema_state(connection) == "behind"
    migrate(engine, tell=_ignore)
    with engine.connect() as connection:
        assert schema_state(connection) == "current"
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        assert schema_state(connection) == "newer"
    migrate(engine, tell=_ignore)  # an older release's migration leaves it alone
    with engine.connect() as connection:
        assert schema_state(connection) == "newer"
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
        assert schema_state(connection) == "behind"
    engine.dispose()


def test_two_releases_do_not_collide(database: str) -> None:
    """Four migrations at once: one does it, the others find it done."""
    engines = [make_engine(database, pool_size=1) for _ in range(4)]
    told: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda engine: migrate(engine, tell=told.append), engines))
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
    monkeypatch.setattr(migration, "LOCK_SECONDS", 1)
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    holder = engine.execution_options(isolation_level="READ COMMITTED")
    with holder.begin() as connection, ThreadPoolExecutor(1) as pool:
        connection.execute(text("LOCK alembic_version"))
        release = pool.submit(migrate, engine, tell=_ignore)
        while not (waits_for_lock(engine) or release.done()):
            pass
        with pytest.raises(OperationalError, match="lock timeout"):
            release.result(30)
