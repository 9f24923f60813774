"""Reading one row past SQLAlchemy's cursors."""

import signal
from types import FrameType

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError, OperationalError

from receiver.store.engine import execute_prepared
from receiver.store.jobs.read import transcript_body, transcription
from receiver.store.ledger.record import record
from tests.support.store_events import make_event

EVENT = make_event({"status": "COMPLETED"})
JOB = EVENT.job_id or ""
_PID = "SELECT pg_backend_pid()"


class _GivenUp(BaseException):
    """As at a request's deadline."""


def _give_up(_number: int, _frame: FrameType | None) -> None:
    raise _GivenUp


def test_one_row_is_found_by_a_prepared_statement(engine: Engine) -> None:
    """The plan for a job, or a body, is the same whichever is meant."""
    record(engine, EVENT)
    with engine.connect() as connection:
        found = transcription(connection, JOB)
        assert found is not None
        assert (found["id"], found["status"]) == (JOB, "COMPLETED")
        assert transcript_body(connection, EVENT.sha256) == EVENT.body
        assert transcription(connection, "other") is None
        assert transcript_body(connection, b"") is None
        statements = connection.execute(text("SELECT statement FROM pg_prepared_statements"))
        prepared = [each for each in statements.scalars() if each.startswith("SELECT")]
    assert len(prepared) == 2


def test_a_lost_connection_is_left(engine: Engine) -> None:
    """Where the server has ended it the next read has another one."""
    with engine.connect() as connection, engine.connect() as other:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        with pytest.raises(OperationalError):
            transcription(connection, "job")
    for _ in range(2):
        with engine.connect() as connection:
            assert transcription(connection, "job") is None


def test_a_read_that_was_given_up_answers_nobody_else(engine: Engine) -> None:
    """Its connection goes, since the answer may yet come there."""
    before = signal.signal(signal.SIGALRM, _give_up)
    try:
        with engine.connect() as connection:
            [(left,)] = execute_prepared(connection, _PID, {})
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(_GivenUp):
                execute_prepared(connection, "SELECT pg_sleep(60)", {})
    finally:
        signal.signal(signal.SIGALRM, before)
    with engine.connect() as connection:
        assert execute_prepared(connection, _PID, {}) != [(left,)]


def test_a_refused_statement_costs_no_connection(engine: Engine) -> None:
    """The server's refusal is an answer: the connection goes on."""
    with engine.connect() as connection:
        [told] = execute_prepared(connection, _PID, {})
        with pytest.raises(DataError):
            execute_prepared(connection, "SELECT 1 / %(zero)s::integer", {"zero": 0})
    with engine.connect() as connection:
        assert execute_prepared(connection, _PID, {}) == [told]
