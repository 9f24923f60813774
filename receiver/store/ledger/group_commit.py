"""Group commit: records events that arrive together in one round trip and one commit.

Events wait in a queue while others are being recorded. Then the first in the queue becomes the
leader, and records itself and those behind it as one batch. Each caller gets its result only after
the commit, so group commit makes nothing less durable. The queue is fair (first in, first out),
which the connection pool isn't.

Events of locked jobs leave the queue: they are tried one at a time, over one connection.
"""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from sqlalchemy import Engine

from receiver.runtime.errors import describe
from receiver.store.event import Event
from receiver.store.ledger.locked_jobs import LockedJobs
from receiver.store.ledger.record import (
    LOCK_WAIT_SECONDS,
    SHORT_LOCK_WAIT_SECONDS,
    record,
    record_newest,
)
from receiver.store.ledger.recorded import Recorded
from receiver.store.sqlstate import Cause, cause_of

logger = logging.getLogger(__name__)

# Limits of one batch: all its events wait for the last one.
_MAX_BATCH_EVENTS = 16
_MAX_BATCH_BYTES = 512 * 1024
# A leader that takes longer probably waits for a job's lock. Then another leader may start.
_SLOW_LEADER_SECONDS = 0.25


@dataclass(eq=False, slots=True)
class _Entry:
    """An event in the queue.

    When `is_called` is set, the entry has left the queue: it leads, or it was in a batch. Without a
    result after that, it must be recorded alone.
    """

    event: Event
    lock_seconds: float  # how long it may wait for a lock if it is recorded alone
    recorded: Recorded | None = None
    is_called: threading.Event = field(default_factory=threading.Event)


class GroupCommitter:
    """The queue of one worker; at most `max_leaders` batches are recorded at the same time."""

    def __init__(
        self, engine: Engine, *, max_leaders: int, lock_wait_seconds: float = LOCK_WAIT_SECONDS
    ) -> None:
        self._engine = engine
        self._lock_wait_seconds = lock_wait_seconds
        self._max_leaders = max_leaders
        self._leaders: dict[_Entry, float] = {}  # with the monotonic time at which each began
        self._queue: deque[_Entry] = deque()
        self._recent_events = 0  # of the last batch, and those that waited when it ended
        self._lock = threading.Lock()  # guards the leaders and the queue
        self._locked_jobs = LockedJobs(engine)

    @property
    def queue_length(self) -> int:
        """How many events wait for their batch."""
        return len(self._queue)

    def record(self, event: Event) -> Recorded:
        """Make the event durable and return its entry in the ledger.

        Raises what receiver.store.ledger.record.record raises.
        """
        if event.head is None:
            return record(self._engine, event)
        if event.job_id in self._locked_jobs:
            return self._locked_jobs.record(event)
        entry = _Entry(event, self._lock_wait_seconds)
        try:
            self._enqueue(entry)
            if entry in self._leaders:
                self._let_others_arrive()
                self._commit_batch(entry)
        finally:
            self._release(entry)

        return entry.recorded or self._record_alone(entry)

    def _record_alone(self, entry: _Entry) -> Recorded:
        with self._locked_jobs.noticing(entry.event):
            return record(self._engine, entry.event, lock_seconds=entry.lock_seconds)

    def _enqueue(self, entry: _Entry) -> None:
        """Wait in the queue until the entry is called."""
        with self._lock:
            self._queue.append(entry)
            self._promote()
        while not entry.is_called.wait(_SLOW_LEADER_SECONDS):
            with self._lock:
                self._promote()

    def _promote(self) -> None:
        """Make the first in the queue a leader, if all leaders are slow.

        The caller holds the lock.
        """
        now = time.monotonic()
        are_slow = all(now - began > _SLOW_LEADER_SECONDS for began in self._leaders.values())
        if self._queue and are_slow and len(self._leaders) < self._max_leaders:
            first = self._queue.popleft()
            self._leaders[first] = now
            first.is_called.set()

    def _let_others_arrive(self) -> None:
        """Let the requests that are here already reach the queue, if they fit into one batch.

        Otherwise the half of them that the last batch answered would take turns with the other
        half. This waits for nothing: it only lets other requests run first, once.
        """
        if 1 < self._recent_events <= _MAX_BATCH_EVENTS:
            time.sleep(0)

    def _commit_batch(self, leader: _Entry) -> None:
        """Record the leader and those behind it."""
        batch = [leader, *self._take_followers(leader)]
        # While jobs are locked, a batch is likely to contain another one.
        if self._locked_jobs:
            leader.lock_seconds = SHORT_LOCK_WAIT_SECONDS
        try:
            if len(batch) == 1:
                leader.recorded = self._record_alone(leader)
            else:
                self._record_together(batch, leader.lock_seconds)
        finally:
            self._recent_events = len(batch) + len(self._queue)
            for entry in batch[1:]:
                entry.is_called.set()

    def _record_together(self, batch: list[_Entry], lock_seconds: float) -> None:
        """Record the batch in one commit, or nothing of it."""
        try:
            recorded = record_newest(
                self._engine, [entry.event for entry in batch], lock_seconds=lock_seconds
            )
            for entry in batch:
                entry.recorded = recorded.get(entry.event.sha256)
        except Exception as error:  # noqa: BLE001 - nothing was stored: each event is recorded alone
            logger.info("a batch failed, its events are recorded one by one: %s", describe(error))
            if cause_of(error) is Cause.LOCK:
                for entry in batch:
                    entry.lock_seconds = SHORT_LOCK_WAIT_SECONDS

    def _take_followers(self, leader: _Entry) -> list[_Entry]:
        """Take the next entries from the queue, up to the limits, and one per job."""
        size_bytes = len(leader.event.body)
        jobs = {leader.event.job_id}
        followers: list[_Entry] = []
        with self._lock:
            while self._queue and len(followers) < _MAX_BATCH_EVENTS - 1:
                event = self._queue[0].event
                size_bytes += len(event.body)
                if size_bytes > _MAX_BATCH_BYTES or event.job_id in jobs:
                    break
                jobs.add(event.job_id)
                followers.append(self._queue.popleft())

        return followers

    def _release(self, entry: _Entry) -> None:
        """Remove an entry that is done or was interrupted, and promote the next."""
        with self._lock:
            if entry in self._queue:
                self._queue.remove(entry)
            if self._leaders.pop(entry, None) is not None:
                self._promote()
