"""Tests of statements that are executed without SQLAlchemy's cursors."""

import signal
from types import FrameType

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError, OperationalError

from receiver.store.execute import execute_prepared
from receiver.store.jobs.read import transcription
from receiver.store.ledger.record import record
from tests.support.store_events import make_event

EVENT = make_event({"status": "COMPLETED"})
JOB = EVENT.job_id or ""
_PID = "SELECT pg_backend_pid()"


class _Interrupt(BaseException):
    """Interrupts a read, like a request's deadline."""


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise _Interrupt


def test_single_row_reads_are_prepared(engine: Engine) -> None:
    """A job is read by one prepared statement."""
    record(engine, EVENT)
    with engine.connect() as connection:
        row = transcription(connection, JOB)
        assert row is not None
        assert (row["id"], row["status"]) == (JOB, "COMPLETED")
        assert transcription(connection, "other") is None
        statements = connection.execute(text("SELECT statement FROM pg_prepared_statements"))
        prepared = [each for each in statements.scalars() if each.startswith("SELECT")]
    assert len(prepared) == 1


def test_lost_connection_is_replaced(engine: Engine) -> None:
    """A read uses a new connection after the server has ended the old one."""
    with engine.connect() as connection, engine.connect() as other:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        with pytest.raises(OperationalError):
            transcription(connection, "job")
    for _ in range(2):
        with engine.connect() as connection:
            assert transcription(connection, "job") is None


def test_interrupted_read_drops_its_connection(engine: Engine) -> None:
    """An interrupted read drops its connection, because the result may still arrive there."""
    before = signal.signal(signal.SIGALRM, _interrupt)
    try:
        with engine.connect() as connection:
            [(interrupted,)] = execute_prepared(connection, _PID, {})
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(_Interrupt):
                execute_prepared(connection, "SELECT pg_sleep(60)", {})
    finally:
        signal.signal(signal.SIGALRM, before)
    with engine.connect() as connection:
        assert execute_prepared(connection, _PID, {}) != [(interrupted,)]


def test_failed_statement_keeps_the_connection(engine: Engine) -> None:
    """A connection stays in use after the server has refused a statement."""
    with engine.connect() as connection:
        [pid] = execute_prepared(connection, _PID, {})
        with pytest.raises(DataError):
            execute_prepared(connection, "SELECT 1 / %(zero)s::integer", {"zero": 0})
    with engine.connect() as connection:
        assert execute_prepared(connection, _PID, {}) == [pid]
