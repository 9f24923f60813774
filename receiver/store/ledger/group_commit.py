"""Recording together what arrives together: one round trip and one commit for several events.

Whoever comes while others are being recorded waits in line, and the first in line then records all
who wait. Nobody is answered before the commit, so nothing is less durable for it; and the line is a
fair one, which that of the connection pool isn't.
"""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from sqlalchemy import Engine

from receiver.runtime.errors import describe
from receiver.store.event import Event
from receiver.store.ledger.record import Recorded, record, record_newest

logger = logging.getLogger(__name__)

# How many events are recorded at once, and of how many bytes: all of them wait for the last.
_MOST = 16
_MOST_BYTES = 512 * 1024
# In seconds. Whoever takes longer waits for a job's lock, say: then another one leads beside it.
_PATIENCE = 0.25


@dataclass(eq=False, slots=True)
class _Entry:
    """An event in line; once it is called, it is recorded, or leads, or has to go alone."""

    event: Event
    recorded: Recorded | None = None
    called: threading.Event = field(default_factory=threading.Event)


class GroupCommitter:
    """The line of one worker; `leaders` is how many record at the same time at most."""

    def __init__(self, engine: Engine, *, leaders: int) -> None:
        self._engine = engine
        self._most = leaders
        self._leading: dict[_Entry, float] = {}  # since when
        self._line: deque[_Entry] = deque()
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """How many wait in line."""
        return len(self._line)

    def record(self, event: Event) -> Recorded:
        """Make the event durable, as store.record.record does, which tells what is raised."""
        if event.head is None:
            return record(self._engine, event)
        turn = _Entry(event)
        try:
            self._enqueue(turn)
            if turn in self._leading:
                self._commit_batch(turn)
        finally:
            self._release(turn)

        return turn.recorded or record(self._engine, event)

    def _enqueue(self, turn: _Entry) -> None:
        """Wait in line until called, unless nobody leads who gets on."""
        with self._lock:
            self._line.append(turn)
            self._promote()
        while not turn.called.wait(_PATIENCE):
            with self._lock:
                self._promote()

    def _promote(self) -> None:
        """Let the first in line lead, if it may; the lock is held."""
        now = time.monotonic()
        stuck = all(now - began > _PATIENCE for began in self._leading.values())
        if self._line and stuck and len(self._leading) < self._most:
            first = self._line.popleft()
            self._leading[first] = now
            first.called.set()

    def _commit_batch(self, turn: _Entry) -> None:
        """Record all who wait together with the one who leads."""
        turns = [turn, *self._followers(turn)]
        if len(turns) == 1:
            turn.recorded = record(self._engine, turn.event)
            return
        try:
            told = record_newest(self._engine, [each.event for each in turns])
            for each in turns:
                each.recorded = told.get(each.event.sha256)
        except Exception as error:  # noqa: BLE001 - nothing was stored: each finds out alone why
            logger.info("not recorded together, but one by one: %s", describe(error))
        finally:
            for each in turns:
                each.called.set()

    def _followers(self, turn: _Entry) -> list[_Entry]:
        """Call those who are next in line, until there are enough or a job would come twice."""
        size = len(turn.event.body)
        jobs = {turn.event.job_id}
        found: list[_Entry] = []
        with self._lock:
            while self._line and len(found) < _MOST - 1:
                event = self._line[0].event
                size += len(event.body)
                if size > _MOST_BYTES or event.job_id in jobs:
                    break
                jobs.add(event.job_id)
                found.append(self._line.popleft())

        return found

    def _release(self, turn: _Entry) -> None:
        """Let the next one lead; this one may have been given up, in line or later."""
        with self._lock:
            if turn in self._line:
                self._line.remove(turn)
            if self._leading.pop(turn, None) is not None:
                self._promote()
