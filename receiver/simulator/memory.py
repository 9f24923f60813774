"""Memory: the jobs that are known, by their ids, conversations and Idempotency-Keys."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from receiver.simulator.job import Job
from receiver.simulator.problem import refusal

# For how long a key is known. Twilio speaks of a window and doesn't tell its length.
_WINDOW = timedelta(hours=24)


class Memory:
    """Keeps jobs, of more than `most` only the newest; any thread may ask."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._count = 0
        self._jobs: dict[str, Job] = {}  # oldest first, as the keys
        self._conversations: dict[str, Job] = {}
        self._keys: dict[str, tuple[str, str]] = {}  # what was asked for, and the job's id

    def take_on(
        self, key: str | None, asked: str, make: Callable[[int], Job], *, now: datetime
    ) -> tuple[Job, bool]:
        """Return the job that the key was used for, or a new one, and whether it is new.

        `make` gets the number of jobs before it, and may refuse. `asked` identifies the payload: a
        key that was used with another one is refused.
        """
        with self._lock:
            self._forget_keys(now)
            first, job_id = self._keys.get(key or "", (None, ""))
            if first == asked:
                return self._jobs[job_id], False
            if first is not None:
                raise refusal(17534, "This Idempotency-Key was used with another payload.")
            job = make(self._count)
            self._count += 1
            self._keep(job, key, asked)

        return job, True

    def job(self, job_id: str) -> Job | None:
        """Return the job of that id."""
        with self._lock:
            return self._jobs.get(job_id)

    def jobs(self) -> list[Job]:
        """Return all jobs, newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def conversation(self, conversation_id: str, now: datetime) -> Job | None:
        """Return the job whose transcript is stored in that conversation by then."""
        with self._lock:
            job = self._conversations.get(conversation_id)

        return job if job and job.stored_at and job.stored_at <= now else None

    def _keep(self, job: Job, key: str | None, asked: str) -> None:
        self._jobs[job.id] = job
        if job.conversation_id:
            self._conversations[job.conversation_id] = job
        if key:
            self._keys[key] = asked, job.id
        if len(self._jobs) > self._most:
            self._forget(next(iter(self._jobs)))

    def _forget_keys(self, now: datetime) -> None:
        """Forget the keys whose time is over; they stand in the order of their jobs."""
        while self._keys:
            key, (_, job_id) = next(iter(self._keys.items()))
            if now - self._jobs[job_id].created_at < _WINDOW:
                return
            del self._keys[key]

    def _forget(self, job_id: str) -> None:
        gone = self._jobs.pop(job_id)
        self._conversations.pop(gone.conversation_id or "", None)
        # Keys stand in the order of their jobs, so only the first one can be this job's.
        key = next(iter(self._keys), None)
        if key is not None and self._keys[key][1] == job_id:
            del self._keys[key]
