"""The drain in the web process: the ledger fills with no command typed."""

from pathlib import Path

import gevent
import pytest
from sqlalchemy import Engine

from dev.postgres import Server
from receiver.callbacks.drain import Drain, run_forever
from receiver.spool.folder import Spool
from receiver.store.migrate import migrate
from tests.support.environment import open_engine
from tests.support.postgres import frozen
from tests.support.server import wait_until, web_server
from tests.support.spooled import spool_callbacks, spooled_body
from tests.support.store_events import count_deliveries


def test_what_waited_before_the_start_is_moved(
    engine: Engine, migrated: str, spool: Spool, tmp_path: Path
) -> None:
    """Two workers move all of it as they start, each file once, and the jobs can be read."""
    spool_callbacks(spool, *map(spooled_body, range(50)))
    folder = str(spool.path)
    with web_server(migrated, tmp_path / "log", SPOOL_DIR=folder, WEB_CONCURRENCY="2") as web:
        wait_until(lambda: not spool.list_files())
        assert web.get("/v3/Transcriptions/job_49").status_code == 200
    assert count_deliveries(engine) == (50, 50)
    assert "moved into the ledger" in web.log.read_text()


def test_what_waits_for_the_database_is_moved_once_it_is_there(
    database: str, spool: Spool, tmp_path: Path
) -> None:
    """A database that has no tables yet takes nothing; when it has, nobody need say so."""
    spool_callbacks(spool, *map(spooled_body, range(5)))
    with (
        web_server(database, tmp_path / "log", SPOOL_DIR=str(spool.path)) as web,
        open_engine(database) as engine,
    ):
        wait_until(lambda: "the database failed" in web.log.read_text())
        assert len(spool.list_files()) == 5
        migrate(engine, report=lambda _: None)
        wait_until(lambda: not spool.list_files())
        assert count_deliveries(engine) == (5, 5)


@pytest.mark.thorough  # tests/faults/test_postgres_hangs.py freezes a database, too
def test_a_frozen_database_is_given_up(own_postgres: Server, spool: Spool, tmp_path: Path) -> None:
    """The worker doesn't wait for ever for one file, and moves it when the database answers."""
    url = own_postgres.url()
    with open_engine(url) as engine:
        migrate(engine, report=lambda _: None)
        with web_server(url, tmp_path / "log", SPOOL_DIR=str(spool.path)) as web:
            assert web.call(spooled_body(1)).status_code == 204
            with frozen(own_postgres):
                spool_callbacks(spool, spooled_body(2))
                wait_until(lambda: "callbacks wait for the database" in web.log.read_text())
                assert web.get("/healthz").status_code == 200
            wait_until(lambda: not spool.list_files())
        assert count_deliveries(engine)[0] == 2


def test_a_fault_of_the_probe_stops_nothing(
    engine: Engine, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong with it, what waits is moved all the same."""

    def fail(_: Spool) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Spool, "probe", fail)
    spool_callbacks(spool, spooled_body(1))
    draining_it = gevent.spawn(run_forever, Drain(engine, spool, []), idle_pause_seconds=0.01)
    with gevent.Timeout(30):
        while spool.list_files():
            gevent.sleep(0.01)
    draining_it.kill()
    assert count_deliveries(engine) == (1, 1)


def test_an_unusable_folder_is_told_and_stops_nothing(
    engine: Engine, migrated: str, spool: Spool, tmp_path: Path
) -> None:
    """Callbacks go to the database; and when the folder is usable what is in it is moved."""
    spool.path.write_bytes(b"")
    with web_server(migrated, tmp_path / "log", SPOOL_DIR=str(spool.path)) as web:
        wait_until(lambda: "the spool can't be used" in web.log.read_text())
        assert web.call(spooled_body(1)).status_code == 204
        wait_until(lambda: "draining the spool failed" in web.log.read_text())
        spool.path.unlink()
        spool_callbacks(spool, spooled_body(2))
        wait_until(lambda: not spool.list_files())
    assert count_deliveries(engine) == (2, 2)
