"""Tests of the migration: through a pooler, and while callbacks arrive."""

import uuid
from pathlib import Path
from urllib.parse import urlsplit

from dev.postgres import Server
from receiver.store.engine import make_engine
from receiver.store.migrate import migrate
from receiver.store.schema import schema_state
from tests.support.faults.callbacks import callback
from tests.support.faults.deployment import Deployment
from tests.support.faults.pgbouncer import pgbouncer
from tests.support.faults.sender import make_sender
from tests.support.old_schemas import return_to_0005
from tests.support.postgres import new_database


def _ignore(_line: str) -> None:
    pass


def test_migration_works_through_pgbouncer(postgres: Server, postgres_folder: Path) -> None:
    """All migrations work through PgBouncer in transaction mode."""
    folder = postgres_folder / f"pgbouncer-{uuid.uuid4().hex}"
    with new_database(postgres) as url, pgbouncer(postgres, folder) as pooled:
        path = urlsplit(url).path
        engine = make_engine(urlsplit(pooled)._replace(path=path).geturl(), pool_size=1)
        migrate(engine, report=_ignore)
        with engine.connect() as connection:
            assert schema_state(connection) == "current"
        engine.dispose()


def test_callbacks_arrive_while_the_schema_is_migrated(deployment: Deployment) -> None:
    """Callbacks that arrive while indexes are replaced are stored at their first attempt."""
    engine = make_engine(deployment.database, pool_size=1)
    return_to_0005(engine)
    engine.dispose()
    with deployment.serve() as web, make_sender(web) as sender:
        sender.burst(map(callback, range(8)))
        with deployment.connect() as reader:
            reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT 1")  # a concurrent build of an index waits for this snapshot
            later = iter(range(8, 40))

            def report(line: str) -> None:
                if "waiting for old snapshots" in line:
                    sender.burst(map(callback, later))
                    reader.execute("ROLLBACK")

            migrate(engine, report=report, progress_seconds=0.1)
        engine.dispose()
    assert len(sender.deliveries) == 40
    assert {tuple(delivery.answers) for delivery in sender.deliveries} == {(204,)}
    deployment.check_stored("the schema migrated", sender.deliveries, all_stored=True)
