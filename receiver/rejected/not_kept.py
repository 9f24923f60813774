"""What might have been kept and was not: why, and how often, counted durably."""

import logging
import threading
from collections import Counter
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Engine

from receiver.runtime.errors import ReceiverError, locate
from receiver.runtime.timeouts import time_limit
from receiver.store.rejected.not_kept import add_not_kept

logger = logging.getLogger(__name__)

Reason = Literal[
    "full",  # the quotas allow no more
    "unread",  # the worker had no time or memory for its body, or the body didn't come
    "late",  # those before it took the time that it had
    "database",  # the database didn't take it
]

# In seconds: how long counts wait for more, so that a flood isn't as many writes. A worker that is
# killed takes as much with it.
BATCH_SECONDS = 5.0
WRITE_SECONDS = 2.0


class NotKeptError(ReceiverError):
    """A request that might have been kept isn't."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class NotKeptCounts:
    """The counts of one worker, on their way to the database.

    `connection` is held while it is asked.
    """

    def __init__(self, engine: Engine, connection: threading.Lock) -> None:
        self._engine = engine
        self._connection = connection
        self._counts: Counter[str] = Counter()
        self._timer: threading.Timer | None = None

    def add(self, reason: Reason) -> None:
        """Count one request, and see to it that the count is written."""
        self._counts[reason] += 1
        if self._timer is None:
            self._write_later()

    def flush(self) -> None:
        """Write what waits for its batch: the process is about to end."""
        if self._timer:
            self._timer.cancel()
            self._write()

    def _write_later(self) -> None:
        self._timer = threading.Timer(BATCH_SECONDS, self._write)
        self._timer.daemon = True
        self._timer.start()

    def _write(self) -> None:
        with self._connection:
            self._timer = None
            counts, self._counts = self._counts, Counter()
            if not counts:  # another has just written them
                return
            try:
                with time_limit(WRITE_SECONDS), self._engine.connect() as connection:
                    add_not_kept(connection, counts, datetime.now(UTC))
            except Exception as error:  # noqa: BLE001 - whatever it is, the counts wait for the next batch
                logger.warning("requests that weren't kept not counted yet: %s", locate(error))
                self._counts += counts
                self._write_later()
