"""Logs what the simulator did, including the faults that it injected."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from receiver.simulator.clock import Clock

_MAX_ENTRY_COUNT = 200_000  # older entries are dropped

EventName = Literal[
    # A job. The detail of "failed" is Twilio's error code.
    "created",
    "running",
    "completed",
    "failed",
    "stored",  # its transcript; the detail is the conversation's id
    # A callback. The detail contains the response and, except for "delivered", Twilio's error code.
    "delivered",
    "refused",  # it failed and is not retried (again)
    "retried",  # it failed and will be retried
    "skipped",  # it is too large (Twilio's error 17564)
    # An injected fault of a callback.
    "lost",
    "duplicated",
    "reordered",
    "late",
    # An injected fault of a request.
    "busy",  # answered 429
    "broken",  # answered 500
]


@dataclass(frozen=True)
class LogEntry:
    """One event; `job_id` is "-" if it does not concern a job."""

    line: str
    event: EventName
    job_id: str
    detail: str


class EventLog:
    """Stores the entries, and passes each new line to `write`."""

    def __init__(self, clock: Clock, write: Callable[[str], None]) -> None:
        self._clock = clock
        self._write = write
        self._entries: deque[LogEntry] = deque(maxlen=_MAX_ENTRY_COUNT)
        self._lock = threading.Lock()

    def add(self, event: EventName, job_id: str = "-", detail: str = "") -> None:
        """Add an entry."""
        line = f"{self._clock.now():%H:%M:%S}  {event:<10}  {job_id}  {detail}".rstrip()
        with self._lock:
            self._entries.append(LogEntry(line, event, job_id, detail))
            self._write(line)

    def entries(self, event: EventName | None = None) -> list[LogEntry]:
        """Return the entries, oldest first; only those of `event`, if given."""
        with self._lock:
            return [entry for entry in self._entries if event in {None, entry.event}]

    def job_ids(self, event: EventName) -> list[str]:
        """Return the ids of the jobs with this event, oldest first."""
        return [entry.job_id for entry in self.entries(event)]
