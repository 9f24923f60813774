"""Connections whose waits end: a frozen server or a silent network never answers.

Commands and `reconcile --forever` use them. In the web process, gevent ends the waits instead
(receiver.runtime.timeouts). Timeouts of the server don't help while the server is frozen, and TCP
timeouts don't either, because its kernel still acknowledges packets.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import waiting
from psycopg.abc import PQGen
from sqlalchemy import Connection

from receiver.runtime.errors import SafeMessageError

Result = TypeVar("Result")

# Longer than the server's statement_timeout (15 s): a healthy server reports the timeout itself.
ANSWER_TIMEOUT_SECONDS = 20.0
# The limit for a long statement, however often the server reports that it is working on it.
MAX_LONG_STATEMENT_SECONDS = 12 * 3600.0
# For connecting, and for the answer to the question whether the server is still working.
_PROBE_TIMEOUT_SECONDS = 3
# The wait ends after this many questions without a yes. One is not enough: the statement's answer
# may be under way, or the server may have no connection left for the question.
_MAX_PROBES_IN_A_ROW = 3
_PROBE_PAUSE_SECONDS = 3.0
_WAKE_UP_SECONDS = 0.1  # psycopg's own interval


class NoAnswerError(psycopg.OperationalError, SafeMessageError):
    """The server did not answer in time; whether it executed the statement is unknown."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that waits for at most `answer_timeout_seconds` for each statement's result.

    After that, and after Ctrl-C, the connection is closed.
    """

    answer_timeout_seconds = ANSWER_TIMEOUT_SECONDS
    # Whether the server is still working on the statement, after each timeout. If it is, the wait
    # goes on.
    is_working: Callable[[], bool] | None = None

    def wait(
        self,
        gen: PQGen[Result],
        interval: float = _WAKE_UP_SECONDS,
        timeout: float | None = None,  # noqa: ARG002 - psycopg's signature
    ) -> Result:
        """Return the generator's result, or raise NoAnswerError."""
        try:
            return waiting.wait(self._limited(gen), self.pgconn.socket, interval=interval)
        except (NoAnswerError, KeyboardInterrupt, SystemExit):
            # A late answer would be taken for the next statement's. psycopg's own reaction to
            # Ctrl-C is to cancel the statement, and to wait for that.
            self.pgconn.finish()
            raise

    def _limited(self, gen: PQGen[Result]) -> Generator[Any, Any, Result]:
        """Yield what `gen` yields. psycopg resumes it at least once per interval."""
        started_at = time.monotonic()
        ends_at = started_at + self.answer_timeout_seconds
        unanswered_count = 0
        try:
            state = next(gen)
            while True:
                state = gen.send((yield state))
                now = time.monotonic()
                if now < ends_at:
                    continue
                is_over = now - started_at > MAX_LONG_STATEMENT_SECONDS
                if not self.is_working or is_over or unanswered_count == _MAX_PROBES_IN_A_ROW:
                    raise NoAnswerError(f"no answer within {now - started_at:.3g} s")
                unanswered_count = 0 if self.is_working() else unanswered_count + 1
                pause = _PROBE_PAUSE_SECONDS if unanswered_count else self.answer_timeout_seconds
                ends_at = time.monotonic() + min(pause, self.answer_timeout_seconds)
        except StopIteration as end:
            result: Result = end.value
            return result


@contextmanager
def long_statements(connection: Connection) -> Iterator[None]:
    """Let the block's statements take longer than ANSWER_TIMEOUT_SECONDS, such as index builds.

    They may take as long as the server works on them, up to MAX_LONG_STATEMENT_SECONDS. After each
    ANSWER_TIMEOUT_SECONDS, another connection asks the server whether it does. The server's own
    statement_timeout still applies, unless the caller changes it. Under gevent this does nothing.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, BoundedConnection):
        yield
        return
    with driver.transaction():  # it must not leave one open, in which the block would begin
        [pid] = driver.execute("SELECT pg_backend_pid()").fetchone() or [0]
    # A pooler makes up a process id. The next statement may run in another process then.
    known_pid = pid if pid == driver.info.backend_pid else None
    dsn, password = driver.info.dsn, driver.info.password
    driver.is_working = lambda: _is_working(dsn, password, known_pid)
    try:
        yield
    finally:
        driver.is_working = None


def _is_working(dsn: str, password: str, pid: int | None) -> bool:
    """Return whether the server answers and, if the process is known, is executing a statement."""
    try:
        with BoundedConnection.connect(
            dsn,
            password=password,
            connect_timeout=_PROBE_TIMEOUT_SECONDS,
            autocommit=True,
            prepare_threshold=None,
        ) as connection:
            connection.answer_timeout_seconds = _PROBE_TIMEOUT_SECONDS
            row = connection.execute(
                "SELECT state = 'active' FROM pg_stat_activity WHERE pid = %s", [pid]
            ).fetchone()
    except psycopg.Error:
        return False

    return pid is None or row == (True,)
