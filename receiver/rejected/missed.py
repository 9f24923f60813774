"""Counting what could not be kept: durably, in batches, so that a flood isn't as many writes."""

import logging
import threading
from collections import Counter
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Engine

from receiver.bounded import limited
from receiver.fault import place_of
from receiver.store.rejected_read import count_not_kept

logger = logging.getLogger(__name__)

# Why a request that might have been kept was not.
Why = Literal[
    "full",  # the quotas allow no more
    "unread",  # the worker had no time or memory for its body, or the body didn't come
    "database",  # the database didn't take it
]

# In seconds: how long counts wait for more. A worker that is killed takes as much with it.
BATCH_SECONDS = 5.0
WRITE_SECONDS = 2.0


class Missed:
    """The counts of one worker, on their way to the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._counts: Counter[str] = Counter()
        self._timer: threading.Timer | None = None

    def count(self, why: Why) -> None:
        """Count one request, and see to it that the count is written."""
        self._counts[why] += 1
        if self._timer is None:
            self._timer = threading.Timer(BATCH_SECONDS, self._write)
            self._timer.daemon = True
            self._timer.start()

    def _write(self) -> None:
        self._timer = None
        counts, self._counts = self._counts, Counter()
        try:
            with limited(WRITE_SECONDS), self._engine.connect() as connection:
                count_not_kept(connection, counts, datetime.now(UTC))
        except Exception as error:  # noqa: BLE001 - whatever it is, the counts wait for the next batch
            self._counts += counts
            logger.warning("rejected requests not counted yet: %s", place_of(error))
