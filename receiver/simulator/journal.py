"""The journal: what the simulator did, the trouble that it made on purpose included."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from receiver.simulator.clock import Clock

_LONGEST = 200_000  # notes; the oldest are forgotten

What = Literal[
    "created",
    "running",
    "completed",
    "failed",  # the detail is Twilio's error
    "stored",  # in the conversation that the detail names
    "delivered",  # a callback, taken in
    "refused",  # a callback that is given up; the detail is what was answered, and Twilio's error
    "retried",  # a callback that is tried again; likewise
    "skipped",  # a callback that is too large (Twilio's error 17564)
    "lost",  # on purpose, as the rest
    "duplicated",
    "reordered",
    "late",
    "busy",  # a request, answered 429
    "broken",  # a request, answered 500
]


@dataclass(frozen=True)
class Note:
    """One thing that was done, and for which job; `job_id` is "-" where it isn't about one."""

    line: str
    what: What
    job_id: str
    detail: str


class Journal:
    """Keeps the notes, and tells each as a line when it is made."""

    def __init__(self, clock: Clock, tell: Callable[[str], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._notes: deque[Note] = deque(maxlen=_LONGEST)
        self._lock = threading.Lock()

    def note(self, what: What, job_id: str = "-", detail: str = "") -> None:
        """Make a note."""
        line = f"{self._clock.now():%H:%M:%S}  {what:<10}  {job_id}  {detail}".rstrip()
        with self._lock:
            self._notes.append(Note(line, what, job_id, detail))
            self._tell(line)

    def notes(self, what: What | None = None) -> list[Note]:
        """Return the notes, of one kind if it is named, oldest first."""
        with self._lock:
            return [note for note in self._notes if what in {None, note.what}]

    def jobs(self, what: What) -> list[str]:
        """Return the ids of the jobs of which that is noted, oldest note first."""
        return [note.job_id for note in self.notes(what)]
