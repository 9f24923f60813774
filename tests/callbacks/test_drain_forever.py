"""Tests of the drain in the web process, which runs without a command."""

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
from tests.support.server import (
    web_server,
)
from tests.support.spooled import spool_callbacks, spooled_body
from tests.support.store_events import count_deliveries
from tests.support.waiting import wait_until


def test_files_from_before_the_start_are_moved(
    engine: Engine, migrated: str, spool: Spool, tmp_path: Path
) -> None:
    """Two workers move all files at their start, each once, and the jobs can be read."""
    spool_callbacks(spool, *map(spooled_body, range(50)))
    folder = str(spool.path)
    with web_server(migrated, tmp_path / "log", SPOOL_DIR=folder, WEB_CONCURRENCY="2") as web:
        wait_until(lambda: not spool.list_files())
        assert web.get("/v3/Transcriptions/job_49").status_code == 200
    assert count_deliveries(engine) == (50, 50)
    assert "moved into the ledger" in web.log.read_text()


def test_files_are_moved_after_the_migration(database: str, spool: Spool, tmp_path: Path) -> None:
    """Files are moved without a command once the database has its tables."""
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


@pytest.mark.thorough  # tests/faults/test_postgres_hangs.py also freezes a database
def test_drain_survives_frozen_database(own_postgres: Server, spool: Spool, tmp_path: Path) -> None:
    """The worker stops waiting for a frozen database, and moves the file once it responds."""
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


def test_failed_probe_does_not_stop_drain(
    engine: Engine, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the probe doesn't prevent the files from being moved."""

    def fail(_: Spool) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Spool, "probe", fail)
    spool_callbacks(spool, spooled_body(1))
    greenlet = gevent.spawn(run_forever, Drain(engine, spool, []), idle_pause_seconds=0.01)
    with gevent.Timeout(30):
        while spool.list_files():
            gevent.sleep(0.01)
    greenlet.kill()
    assert count_deliveries(engine) == (1, 1)


def test_unusable_folder_is_logged_and_does_not_stop_service(
    engine: Engine, migrated: str, spool: Spool, tmp_path: Path
) -> None:
    """An unusable folder is logged, callbacks are stored, and the drain resumes afterwards."""
    spool.path.write_bytes(b"")
    with web_server(migrated, tmp_path / "log", SPOOL_DIR=str(spool.path)) as web:
        wait_until(lambda: "the spool can't be used" in web.log.read_text())
        assert web.call(spooled_body(1)).status_code == 204
        wait_until(lambda: "draining the spool failed" in web.log.read_text())
        spool.path.unlink()
        spool_callbacks(spool, spooled_body(2))
        wait_until(lambda: not spool.list_files())
    assert count_deliveries(engine) == (2, 2)
