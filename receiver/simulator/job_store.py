"""Stores the jobs, and finds them by id, conversation or Idempotency-Key."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from receiver.simulator.errors import api_error
from receiver.simulator.job import Job

# Twilio mentions a window without its length.
_IDEMPOTENCY_WINDOW = timedelta(hours=24)


class JobStore:
    """Stores the newest `max_count` jobs; thread-safe."""

    def __init__(self, *, max_count: int) -> None:
        self._max_count = max_count
        self._lock = threading.Lock()
        self._created_count = 0
        self._jobs: dict[str, Job] = {}  # oldest first, like the keys
        self._by_conversation: dict[str, Job] = {}
        self._keys: dict[str, tuple[str, str]] = {}  # payload hash and job id

    def create_once(
        self,
        key: str | None,
        payload_hash: str,
        make: Callable[[int], Job],
        *,
        now: datetime,
    ) -> tuple[Job, bool]:
        """Return the job that was created with this key, or a new one; and whether it is new.

        `make` receives the number of jobs created before, and may raise ApiError. A key that was
        used with another payload raises ApiError too.
        """
        with self._lock:
            self._remove_expired_keys(now)
            known_hash, job_id = self._keys.get(key or "", (None, ""))
            if known_hash == payload_hash:
                return self._jobs[job_id], False
            if known_hash is not None:
                raise api_error(17534, "This Idempotency-Key was used with another payload.")
            job = make(self._created_count)
            self._created_count += 1
            self._add(job, key, payload_hash)

        return job, True

    def get(self, job_id: str) -> Job | None:
        """Return the job with this id."""
        with self._lock:
            return self._jobs.get(job_id)

    def newest_first(self) -> list[Job]:
        """Return all jobs, newest first."""
        with self._lock:
            return list(reversed(self._jobs.values()))

    def get_by_conversation(self, conversation_id: str, now: datetime) -> Job | None:
        """Return the job with its transcript in this conversation at this time."""
        with self._lock:
            job = self._by_conversation.get(conversation_id)

        return job if job and job.stored_at and job.stored_at <= now else None

    def _add(self, job: Job, key: str | None, payload_hash: str) -> None:
        self._jobs[job.id] = job
        if job.conversation_id:
            self._by_conversation[job.conversation_id] = job
        if key:
            self._keys[key] = payload_hash, job.id
        if len(self._jobs) > self._max_count:
            self._remove(next(iter(self._jobs)))

    def _remove_expired_keys(self, now: datetime) -> None:
        # Keys are in the order of their jobs, so the expired ones come first.
        while self._keys:
            key, (_, job_id) = next(iter(self._keys.items()))
            if now - self._jobs[job_id].created_at < _IDEMPOTENCY_WINDOW:
                return
            del self._keys[key]

    def _remove(self, job_id: str) -> None:
        job = self._jobs.pop(job_id)
        self._by_conversation.pop(job.conversation_id or "", None)
        # Keys are in the order of their jobs, so only the first key can be this job's.
        key = next(iter(self._keys), None)
        if key is not None and self._keys[key][1] == job_id:
            del self._keys[key]
