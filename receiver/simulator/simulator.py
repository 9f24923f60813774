"""The simulator: one Twilio account, and what happens in it over time."""

import hashlib
import json
import threading
from collections.abc import Callable
from random import Random
from typing import Any, Self

from receiver.simulator.callback_sender import CallbackSender
from receiver.simulator.clock import Clock
from receiver.simulator.configurations import ConfigurationStore
from receiver.simulator.delivery import deliver
from receiver.simulator.errors import api_error
from receiver.simulator.event_log import EventLog
from receiver.simulator.faults import Delays, Faults
from receiver.simulator.job import Job
from receiver.simulator.job_factory import JobFactory
from receiver.simulator.job_store import JobStore
from receiver.simulator.scheduler import Scheduler
from receiver.simulator.signing import Signer

_WORKER_COUNT = 8  # threads; each sends one callback at a time
_MAX_KEY_CHARACTERS = 128


class Simulator:
    """A Twilio account. Close it after use, or use it as a context manager.

    `credentials` are pairs of user name and password: (account SID, auth token) or (API key,
    secret). `signing_key` is an auth token, or the id and secret of a SharedKey. With the same
    seed, the same requests give the same ids, transcripts and faults. Only the newest
    `max_job_count` jobs are stored. Each line of the event log is passed to `log`.
    """

    def __init__(  # noqa: PLR0913 - all by name
        self,
        *,
        account_sid: str,
        credentials: set[tuple[str, str]],
        signing_key: str | tuple[str, str],
        callback_url: str,
        seed: int = 0,
        delays: Delays | None = None,
        faults: Faults | None = None,
        clock: Clock | None = None,
        log: Callable[[str], None] = lambda _: None,
        max_job_count: int = 50_000,
    ) -> None:
        self.credentials = credentials
        self.clock = clock or Clock()
        self.event_log = EventLog(self.clock, log)
        self.job_store = JobStore(max_count=max_job_count)
        self.configurations = ConfigurationStore(
            account_sid, callback_url=callback_url, seed=seed, now=self.clock.now()
        )
        delays = delays or Delays()
        self._job_factory = JobFactory(
            seed=seed,
            account_sid=account_sid,
            configurations=self.configurations,
            delays=delays,
        )
        self._faults = faults or Faults()
        self._request_random = Random(f"{seed}:requests")  # noqa: S311 - no secret
        self._request_lock = threading.Lock()
        self._scheduler = Scheduler(self.clock, worker_count=_WORKER_COUNT)
        key_id, secret = (None, signing_key) if isinstance(signing_key, str) else signing_key
        self._callback_sender = CallbackSender(
            scheduler=self._scheduler,
            clock=self.clock,
            event_log=self.event_log,
            signer=Signer(secret, key_id),
            deliver=deliver,
            faults=self._faults,
            delays=delays,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop; nothing happens after this."""
        self._scheduler.close()

    def advance(self, seconds: float) -> None:
        """Advance a manual clock, and wait until everything that is due has happened."""
        self._scheduler.advance(seconds)

    def finish(self) -> None:
        """Wait until everything has happened; advances a manual clock."""
        self._scheduler.finish()

    def create(self, document: Any, *, idempotency_key: str | None = None) -> Job:
        """Create a job, or return the one that this key has created before; raises ApiError."""
        if not isinstance(document, dict):
            raise api_error(20001, "The request's body must be a JSON object.")
        if idempotency_key is not None and not 1 <= len(idempotency_key) <= _MAX_KEY_CHARACTERS:
            raise api_error(
                20001, f"Idempotency-Key must have 1 to {_MAX_KEY_CHARACTERS} characters."
            )
        payload_hash = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        now = self.clock.now()
        job, is_new = self.job_store.create_once(
            idempotency_key,
            payload_hash,
            lambda number: self._job_factory.create(document, number=number, now=now),
            now=now,
        )
        if is_new:
            self.event_log.add("created", job.id)
            self._schedule(job)

        return job

    def draw_request_fault(self) -> tuple[int | None, bool]:
        """Return a request's fault: 429, 500 or None; and whether it is executed first."""
        with self._request_lock:
            fault_draw, half_draw = self._request_random.random(), self._request_random.random()
        if fault_draw < self._faults.busy:
            return 429, False
        if fault_draw < self._faults.busy + self._faults.broken:
            return 500, half_draw < 0.5  # noqa: PLR2004 - half of them

        return None, False

    def _schedule(self, job: Job) -> None:
        """Schedule what will happen to the job."""
        schedule, add_entry = self._scheduler.schedule, self.event_log.add
        schedule(job.running_at, lambda: add_entry("running", job.id))
        schedule(job.ended_at, lambda: self._end(job))
        if job.stored_at and (conversation_id := job.conversation_id):
            schedule(job.stored_at, lambda: add_entry("stored", job.id, conversation_id))

    def _end(self, job: Job) -> None:
        if job.is_failed:
            self.event_log.add("failed", job.id, f"error {job.error_code}")
        else:
            self.event_log.add("completed", job.id)
        self._callback_sender.send(job)
