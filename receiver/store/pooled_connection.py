"""A pooled connection: it keeps its place in the budget until the server ended its statement."""

import select
import threading
import time
import weakref
from typing import Any, Self

import psycopg
from psycopg.errors import Diagnostic
from psycopg.pq import TransactionStatus

from receiver.runtime.concurrency_limit import ConcurrencyLimit, TooBusyError
from receiver.runtime.errors import ReceiverError

# The timeout of one request to cancel. A server that doesn't accept it doesn't respond at all.
_CANCEL_TIMEOUT_SECONDS = 2.0
# The pauses between such requests double. A process that is stuck, on a disk for example, ends
# after none of them.
_FIRST_PAUSE_SECONDS = 1.0
_MAX_PAUSE_SECONDS = 60.0

# The source file of Postgres that warns of a commit which ended its wait for a standby. The text of
# the warning depends on the server's language, and its SQLSTATE is that of all plain warnings.
_REPLICATION_SOURCE = "syncrep.c"


class NotReplicatedError(psycopg.OperationalError, ReceiverError):
    """The transaction is committed here, but a synchronous standby has not confirmed it."""


class BudgetError(psycopg.OperationalError, ReceiverError):
    """Every connection of this process is in use, or its statement hasn't ended on the server."""


class _Cursor(psycopg.Cursor[Any]):
    """A cursor that raises NotReplicatedError for a statement that commits by itself."""

    def execute(self, *args: Any, **kwargs: Any) -> Self:
        super().execute(*args, **kwargs)
        self.connection.require_replicated()  # type: ignore[attr-defined]

        return self


class PooledConnection(psycopg.Connection[Any]):
    """A connection with a place in a budget.

    The place is free when the server's process has no statement of ours. A closed socket doesn't
    end every statement: a commit that waits for a synchronous standby never looks at its client.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cursor_factory = _Cursor
        self._is_ending = False
        self._release: weakref.finalize[Any, Any] | None = None
        # A list, because a bound method would make a reference cycle.
        self._unreplicated: list[None] = []
        unreplicated = self._unreplicated

        def note(diagnostic: Diagnostic) -> None:
            if diagnostic.source_file == _REPLICATION_SOURCE:
                unreplicated.append(None)

        self.add_notice_handler(note)

    @classmethod
    def open(
        cls, budget: ConcurrencyLimit, *args: Any, timeout_seconds: float, **kwargs: Any
    ) -> Self:
        """Connect as psycopg does, after a place is free; raise BudgetError after the timeout."""
        try:
            budget.acquire(timeout_seconds)
        except TooBusyError:
            raise BudgetError(
                "every connection of this process is in use, or waits for the server to end its "
                "last statement"
            ) from None
        try:
            connection = cls.connect(*args, **kwargs)
            connection.occupy(budget)
        except BaseException:
            budget.release()
            raise

        return connection

    def occupy(self, budget: ConcurrencyLimit) -> None:
        """Release the place in the budget at the end of the connection.

        That is also the end if the connection is never closed, but garbage-collected. The release
        can't be interrupted by a request's deadline, as that of a semaphore can under gevent.
        """
        self._release = weakref.finalize(self, budget.release)
        self._release.atexit = False

    def commit(self) -> None:
        """Commit; raise NotReplicatedError if a standby has not confirmed the commit."""
        super().commit()
        self.require_replicated()

    def require_replicated(self) -> None:
        """Raise NotReplicatedError if the last commit ended its wait for a standby early."""
        if self._unreplicated:
            self._unreplicated.clear()
            raise NotReplicatedError("a synchronous standby has not confirmed the commit")

    def close(self) -> None:
        """Close the connection; if a statement is in progress, cancel it in the background."""
        if self._is_ending:
            return
        self._is_ending = True
        if not self.closed and self.info.transaction_status == TransactionStatus.ACTIVE:
            threading.Thread(target=self._end, daemon=True).start()
        else:
            self._finish()

    def _finish(self) -> None:
        super().close()
        if self._release:
            self._release()

    def _end(self) -> None:
        """Cancel the statement again and again until it ends, or until the server is gone."""
        pause_seconds = _FIRST_PAUSE_SECONDS
        try:
            # A server that hasn't received the whole statement ends at the end of the connection.
            while not self.pgconn.flush():
                self.cancel_safe(timeout=_CANCEL_TIMEOUT_SECONDS)
                if self._has_ended_within(pause_seconds):
                    break
                pause_seconds = min(2 * pause_seconds, _MAX_PAUSE_SECONDS)
        except (psycopg.Error, OSError):
            # The server doesn't respond, so it can't be known what its process does. A new
            # connection either fails too, or reaches another server.
            pass
        finally:
            self._finish()

    def _has_ended_within(self, seconds: float) -> bool:
        """Return whether the response was complete within this time; raise if the server left."""
        give_up_at = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        while (remaining_seconds := give_up_at - time.monotonic()) > 0:
            if not poll.poll(remaining_seconds * 1000):
                continue
            self.pgconn.consume_input()
            while not self.pgconn.is_busy():
                if self.pgconn.get_result() is None:
                    return True

        return False
