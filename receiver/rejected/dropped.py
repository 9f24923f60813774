"""Counts the rejected requests that are dropped: they may be callbacks, but aren't stored.

The counts are in the table `rejected_not_kept`, one row per reason.
"""

import logging
import threading
from collections import Counter
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Engine

from receiver.runtime.errors import ReceiverError, locate
from receiver.runtime.timeouts import time_limit
from receiver.store.rejected.dropped import add_dropped

logger = logging.getLogger(__name__)

Reason = Literal[
    "full",  # the quotas are used up
    "unread",  # the worker had no time or memory for the body, or the body wasn't received
    "late",  # earlier requests used all its time
    "database",  # the database didn't store it
]

# How long counts are collected before they are written, so that a flood causes few writes. A worker
# that is killed loses the counts of this time.
BATCH_DELAY_SECONDS = 5.0
WRITE_TIMEOUT_SECONDS = 2.0


class DroppedError(ReceiverError):
    """A request that may be a callback is not stored."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class DroppedCounts:
    """The counts of one worker until they are written to the database.

    `connection` is held while a connection is in use.
    """

    def __init__(
        self,
        engine: Engine,
        connection: threading.Lock,
        *,
        batch_delay_seconds: float,
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._batch_delay_seconds = batch_delay_seconds
        self._counts: Counter[str] = Counter()
        self._timer: threading.Timer | None = None

    def add(self, reason: Reason) -> None:
        """Count one request; the count is written with the next batch."""
        self._counts[reason] += 1
        if self._timer is None:
            self._schedule_write()

    def flush(self) -> None:
        """Write the counts that wait for their batch, before the process ends."""
        if self._timer:
            self._timer.cancel()
            self._write()

    def _schedule_write(self) -> None:
        self._timer = threading.Timer(self._batch_delay_seconds, self._write)
        self._timer.daemon = True
        self._timer.start()

    def _write(self) -> None:
        with self._connection:
            self._timer = None
            counts, self._counts = self._counts, Counter()
            if not counts:  # `flush` and the timer may run at the same time
                return
            try:
                with time_limit(WRITE_TIMEOUT_SECONDS), self._engine.connect() as connection:
                    add_dropped(connection, counts, datetime.now(UTC))
            except Exception as error:  # noqa: BLE001 - after any error the next batch has the counts too
                logger.warning("counts of dropped requests not written yet: %s", locate(error))
                self._counts += counts
                self._schedule_write()
