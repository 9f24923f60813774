"""Jobs that another transaction has locked: their events must not delay those of other jobs."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from receiver.store.event import Event
from receiver.store.ledger.record import SHORT_LOCK_WAIT_SECONDS, record
from receiver.store.ledger.recorded import Recorded
from receiver.store.sqlstate import Cause, cause_of

# How long a job counts as locked after one of its events has waited for the lock in vain.
_LOCKED_SECONDS = 10.0


class LockedJobs:
    """The jobs that are locked, as far as this worker knows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._until: dict[str | None, float] = {}  # by job, in monotonic time
        self._one_at_a_time = threading.Lock()

    def __contains__(self, job_id: str | None) -> bool:
        return self._until.get(job_id, 0.0) > time.monotonic()

    def __bool__(self) -> bool:
        now = time.monotonic()

        return any(until > now for until in self._until.values())

    def record(self, event: Event) -> Recorded:
        """Record an event of a locked job, after others of locked jobs were tried.

        Raises what receiver.store.ledger.record.record raises, soon if the job is still locked.
        """
        with self._one_at_a_time, self.noticing(event):
            return record(self._engine, event, lock_seconds=SHORT_LOCK_WAIT_SECONDS)

    @contextmanager
    def noticing(self, event: Event) -> Iterator[None]:
        """Remember from the result of the block whether the event's job is locked."""
        try:
            yield
        except DBAPIError as error:
            if cause_of(error) is Cause.LOCK:
                self._remember(event.job_id)
            raise
        self._until.pop(event.job_id, None)

    def _remember(self, job_id: str | None) -> None:
        now = time.monotonic()
        self._until = {job: until for job, until in self._until.items() if until > now}
        self._until[job_id] = now + _LOCKED_SECONDS
