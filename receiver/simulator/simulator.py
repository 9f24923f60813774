"""The simulator itself: an account at Twilio, and what happens there as time passes."""

import hashlib
import json
import threading
from collections.abc import Callable
from random import Random
from typing import Any, Self

from receiver.simulator.agenda import Agenda
from receiver.simulator.callbacks import Callbacks
from receiver.simulator.clock import Clock
from receiver.simulator.configurations import Configurations
from receiver.simulator.delivery import attempt
from receiver.simulator.job import Job
from receiver.simulator.journal import Journal
from receiver.simulator.memory import Memory
from receiver.simulator.plan import Planner
from receiver.simulator.problem import refusal
from receiver.simulator.signing import Signer
from receiver.simulator.trouble import Delays, Trouble

_WORKERS = 8  # callbacks under way at once
_LONGEST_KEY = 128  # characters


class Simulator:
    """A Twilio account. Close it in the end, or use it as a context manager.

    `credentials` are pairs of user name and password, as (account SID, auth token) or (API key,
    secret). `signing_key` is an auth token, or the id and the secret of a SharedKey. The same seed
    makes the same ids, transcripts and trouble of the same requests. Of more than `most_jobs` the
    oldest are forgotten. Each note of the journal is told as a line.
    """

    def __init__(  # noqa: PLR0913 - an account has many sides
        self,
        *,
        account_sid: str,
        credentials: set[tuple[str, str]],
        signing_key: str | tuple[str, str],
        callback_url: str,
        seed: int = 0,
        delays: Delays | None = None,
        trouble: Trouble | None = None,
        clock: Clock | None = None,
        tell: Callable[[str], None] = lambda _: None,
        most_jobs: int = 50_000,
    ) -> None:
        self.credentials = credentials
        self.clock = clock or Clock()
        self.journal = Journal(self.clock, tell)
        self.memory = Memory(most=most_jobs)
        self.configurations = Configurations(
            account_sid, callback_url=callback_url, seed=seed, now=self.clock.now()
        )
        delays = delays or Delays()
        self._planner = Planner(
            seed=seed,
            account_sid=account_sid,
            configurations=self.configurations,
            delays=delays,
        )
        self._trouble = trouble or Trouble()
        self._requests = Random(f"{seed}:requests")  # noqa: S311 - no secret
        self._requests_lock = threading.Lock()
        self._agenda = Agenda(self.clock, workers=_WORKERS)
        key_id, secret = (None, signing_key) if isinstance(signing_key, str) else signing_key
        self._callbacks = Callbacks(
            agenda=self._agenda,
            clock=self.clock,
            journal=self.journal,
            signer=Signer(secret, key_id),
            post=attempt,
            trouble=self._trouble,
            delays=delays,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let nothing more happen."""
        self._agenda.close()

    def advance(self, seconds: float) -> None:
        """Move a still clock on, and wait until all that happens in that time has happened."""
        self._agenda.move_on(seconds)

    def finish(self) -> None:
        """Wait until nothing is left to happen; a still clock is moved on for that."""
        self._agenda.finish()

    def create(self, document: Any, *, idempotency_key: str | None = None) -> Job:
        """Take a job on, or return the one that the same key was used for; raises RefusalError."""
        if not isinstance(document, dict):
            raise refusal(20001, "The request's body must be a JSON object.")
        if idempotency_key is not None and not 1 <= len(idempotency_key) <= _LONGEST_KEY:
            raise refusal(20001, f"Idempotency-Key must have 1 to {_LONGEST_KEY} characters.")
        asked = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
        now = self.clock.now()
        job, is_new = self.memory.take_on(
            idempotency_key,
            asked,
            lambda number: self._planner.plan(document, number=number, now=now),
            now=now,
        )
        if is_new:
            self.journal.note("created", job.id)
            self._begin(job)

        return job

    def mishap(self) -> tuple[int | None, bool]:
        """Draw what goes wrong with a request, 429 or 500 if anything, and if it is done first."""
        with self._requests_lock:
            drawn, done = self._requests.random(), self._requests.random()
        if drawn < self._trouble.busy:
            return 429, False
        if drawn < self._trouble.busy + self._trouble.broken:
            return 500, done < 0.5  # noqa: PLR2004 - as often as not

        return None, False

    def _begin(self, job: Job) -> None:
        self._agenda.at(job.running_at, lambda: self.journal.note("running", job.id))
        self._agenda.at(job.over_at, lambda: self._end(job))
        if job.stored_at and job.conversation_id:
            kept = job.conversation_id
            self._agenda.at(job.stored_at, lambda: self.journal.note("stored", job.id, kept))

    def _end(self, job: Job) -> None:
        if job.failed:
            self.journal.note("failed", job.id, f"error {job.code}")
        else:
            self.journal.note("completed", job.id)
        self._callbacks.tell(job)
