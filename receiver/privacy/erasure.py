"""An erasure in progress: its receipt, its moment, and its steps, each in a commit of its own."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import SafeMessageError
from receiver.store.engine import transactional
from receiver.store.erasure import redact
from receiver.store.erasure.receipts import add_counts
from receiver.store.erasure.writers import wait_for_writers
from receiver.store.retry import query, retry_until

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# A step may have to wait for a job's lock, or for the database.
_STEP_SECONDS = 60.0
# The limit of a write is shorter.
_WRITERS_SECONDS = 30.0


class WritersError(SafeMessageError):
    """A transaction that may not have seen the tombstones doesn't end."""


class Erasure:
    """The steps of one erasure; each may be repeated.

    They raise store.retry.DatabaseUnavailableError.
    """

    def __init__(self, engine: Engine, receipt_id: int, at: datetime) -> None:
        self.engine = engine
        self.receipt_id = receipt_id
        self.at = at  # by the database's clock
        self.job_ids: set[str] = set()  # the jobs that it has erased

    def query(
        self,
        work: Callable[Concatenate[Connection, Parameters], Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Return the result of `work` on a connection."""
        return query(self.engine, Deadline(_STEP_SECONDS), work, *args, **kwargs)

    def wait_for_writers(self) -> None:
        """Wait for the writes that began before the tombstones were committed.

        Raises WritersError if a write takes longer than any of this service.
        """
        if not self.query(wait_for_writers, Deadline(_WRITERS_SECONDS)):
            raise WritersError(
                "A transaction that writes to the database began before the erasure and has not "
                "ended: it may store what should be erased. End it, then erase again."
            )

    def erase_job(self, job_id: str) -> None:
        """Erase a job, and everything that names it."""
        self._step(redact.erase_job, job_id, self.receipt_id, self.at)
        self.job_ids.add(job_id)

    def redact_event(self, event_id: int) -> None:
        """Redact an event in quarantine whose job is unknown."""
        self._step(redact.redact_event, event_id, self.receipt_id, self.at)

    def redact_submission(self, key: str) -> None:
        """Redact a submission whose job is unknown."""
        self._step(redact.redact_submission, key)

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

        retry_until(Deadline(_STEP_SECONDS), attempt)
