"""An erasure in progress: its receipt, its moment, and its steps, each in a commit of its own."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from receiver.runtime.deadline import Deadline
from receiver.store.engine import transactional
from receiver.store.erasure import redact
from receiver.store.erasure.receipts import add_counts
from receiver.store.erasure.redact import EVERYTHING, Extent
from receiver.store.erasure.writers import find_writers, wait_for_writers
from receiver.store.retry import query, retry_until

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# A step may have to wait for a job's lock, or for the database.
_STEP_TIMEOUT_SECONDS = 60.0
# The service's own writes are shorter: statements end after 15 seconds.
_WRITERS_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an erasure may use, if it shares a process with others."""

    deadline: Deadline | None = None  # of all steps together
    # What a step holds while it uses a connection.
    hold_connection: Callable[[], AbstractContextManager[None]] = nullcontext

    def step_deadline(self, seconds: float = _STEP_TIMEOUT_SECONDS) -> Deadline:
        """Return the deadline of one step."""
        return self.deadline or Deadline(seconds)


class Erasure:
    """The steps of one erasure; each may be repeated.

    They raise store.retry.DatabaseUnavailableError.
    """

    def __init__(
        self,
        engine: Engine,
        receipt_id: int,
        at: datetime,
        limits: Limits,
        extent: Extent = EVERYTHING,
    ) -> None:
        self.engine = engine
        self.receipt_id = receipt_id
        self.at = at  # by the database's clock
        self.job_ids: set[str] = set()  # the jobs that it has erased
        self._limits = limits
        self._extent = extent  # of each job

    def query(
        self,
        work: Callable[Concatenate[Connection, Parameters], Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Return the result of `work` on a connection."""
        with self._limits.hold_connection():
            return query(self.engine, self._limits.step_deadline(), work, *args, **kwargs)

    def wait_for_writers(self) -> None:
        """Wait until the writes that began before the tombstones were committed have ended.

        Raises store.erasure.writers.UnfinishedWriteError.
        """
        deadline = self._limits.step_deadline(_WRITERS_TIMEOUT_SECONDS)
        wait_for_writers(lambda: self.query(find_writers), deadline)

    def erase_job(self, job_id: str) -> None:
        """Erase a job, and everything that names it."""
        self.erase_job_as_of(job_id, self.at, self._extent)

    def erase_job_as_of(self, job_id: str, at: datetime, extent: Extent) -> None:
        """Erase a job as an earlier erasure did."""
        self._step(redact.erase_job, job_id, self.receipt_id, at, extent)
        self.job_ids.add(job_id)

    def redact_event(self, event_id: int) -> None:
        """Redact an event in quarantine whose job is unknown."""
        self._step(redact.redact_event, event_id, self.receipt_id, self.at)

    def redact_submission(self, key: str, *, is_key_personal: bool) -> None:
        """Redact a submission whose job is unknown."""
        self._step(redact.redact_submission, key, is_key_personal=is_key_personal)

    def remove_rejected(self, request_id: int) -> None:
        """Remove a rejected request."""
        self._step(redact.remove_rejected, request_id)

    def count(self, counts: Counter[str]) -> None:
        """Add to the receipt what was erased elsewhere, by place."""
        self._step(lambda _: counts)

    def _step(
        self,
        work: Callable[Concatenate[Connection, Parameters], Counter[str]],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> None:
        """Do the work in a transaction, which also adds its counts to the receipt."""

        def attempt() -> None:
            with transactional(self.engine).begin() as connection:
                counts = work(connection, *args, **kwargs)
                add_counts(connection, self.receipt_id, counts)

        with self._limits.hold_connection():
            retry_until(self._limits.step_deadline(), attempt)
