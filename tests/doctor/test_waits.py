"""The doctor's check of what statements wait for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import Engine

from dev.postgres import Server
from receiver.doctor.waits import check_waits
from receiver.settings.config import load
from tests.doctor.test_doctor import SOUND, run_doctor
from tests.support.environment import open_engine
from tests.support.standby import cancel_waiting_commits, missing_standby
from tests.support.waiting import wait_until


@contextmanager
def _executing(url: str, statement: str) -> Iterator[None]:
    """Execute a statement that has to wait in another thread; the block must end the wait."""
    with psycopg.connect(url, autocommit=True) as connection:
        thread = threading.Thread(target=connection.execute, args=[statement])
        thread.start()
        yield
        thread.join()


def test_statement_that_waits_for_a_lock_is_a_warning(engine: Engine, migrated: str) -> None:
    """The doctor names the sessions whose locks others wait for."""
    with psycopg.connect(migrated) as holder:
        pid = holder.info.backend_pid
        holder.execute("LOCK TABLE watches")
        with _executing(migrated, "SELECT FROM watches"):
            wait_until(lambda: bool(list(check_waits(engine))))
            sound, output = run_doctor(load(SOUND), engine)
            holder.rollback()
    assert sound
    assert (
        f"warn  database: 1 statement waiting for locks of other sessions (process {pid})" in output
    )
    assert not list(check_waits(engine))


@pytest.mark.own_database
def test_commit_that_waits_for_a_standby_is_a_failure(own_postgres: Server) -> None:
    """The doctor says why no commit ends, and how to end that."""
    url = own_postgres.url()
    statement = "CREATE TABLE waiting ()"
    with open_engine(url) as engine, missing_standby(url), _executing(url, statement):
        wait_until(lambda: bool(list(check_waits(engine))))
        [finding] = check_waits(engine)
        cancel_waiting_commits(url)
    assert finding.verdict == "FAIL"
    assert "1 commit waiting for a synchronous standby" in finding.text
    assert "synchronous_standby_names" in finding.remedy
