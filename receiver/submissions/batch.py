"""Submits many jobs: a few at a time, as fast as Twilio allows."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Engine

from receiver.runtime.deadline import Deadline
from receiver.store.retry import DatabaseUnavailableError
from receiver.store.submissions.outbox import (
    KeyReusedError,
    OutcomeUnknownError,
    SubmissionErasedError,
)
from receiver.submissions.csv_rows import Row
from receiver.submissions.submit import Intent, submit
from receiver.twilio.client import (
    Twilio,
    TwilioBusyError,
    TwilioRefusedError,
    TwilioUnavailableError,
)

# How many jobs are submitted at the same time: enough to hide the network's latency.
CONCURRENCY = 4
# For the database's work on one job.
_DATABASE_TIMEOUT_SECONDS = 60.0
_FIRST_DELAY_SECONDS = 1.0
_MAX_DELAY_SECONDS = 30.0
# A run ends if Twilio answers only 429 for this time.
_MAX_BUSY_SECONDS = 120.0
_MAX_ATTEMPTS = 5

_KEY_FAULTS: dict[type[Exception], str] = {
    KeyReusedError: "its Idempotency-Key was used for another request (17534).",
    SubmissionErasedError: "the submission with its Idempotency-Key was erased.",
}


@dataclass(frozen=True)
class Result:
    """The result of a row: a job or a fault. It has neither if the run ended before the row.

    `may_be_submitted`: it is unknown whether Twilio created a job.
    """

    row: Row
    job_id: str | None = None
    fault: str | None = None
    may_be_submitted: bool = False


class Batch:
    """One run over many rows.

    If Twilio doesn't say how long to wait, the first delay is `first_delay_seconds`, and each next
    one is twice as long. A job is tried `max_attempts` times if Twilio doesn't answer.
    """

    def __init__(
        self,
        engine: Engine,
        twilio: Twilio,
        submitted_by: str,
        *,
        first_delay_seconds: float = _FIRST_DELAY_SECONDS,
        max_attempts: int = _MAX_ATTEMPTS,
    ) -> None:
        self._engine = engine
        self._twilio = twilio
        self._submitted_by = submitted_by
        self._first_delay_seconds = first_delay_seconds
        self._max_attempts = max_attempts
        self._stopped = threading.Event()
        # In monotonic time.
        self._throttled_until = time.monotonic()
        self._last_accepted_at = time.monotonic()

    def run(self, rows: Sequence[Row]) -> Iterator[Result]:
        """Submit the rows and yield their results in the same order.

        An error that would repeat for every row (Twilio or the database is unavailable, the
        credentials are refused) ends the run: the rows after it are not submitted.
        """
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            try:
                yield from pool.map(self._result_of_row, rows)
            finally:
                self.stop()
                pool.shutdown(cancel_futures=True)

    def stop(self) -> None:
        """Finish the submissions that are in progress, and start no others."""
        self._stopped.set()

    def _result_of_row(self, row: Row) -> Result:
        """Submit a row; an error becomes the fault of its result."""
        try:
            return self._submit_until_answered(row)
        except (KeyReusedError, SubmissionErasedError) as error:
            return Result(row, fault=_KEY_FAULTS[type(error)])
        except OutcomeUnknownError as error:
            return Result(
                row, fault=f"{error} Without --idempotency-key, `submit` creates a new one."
            )
        except (TwilioRefusedError, TwilioBusyError) as error:
            if isinstance(error, TwilioBusyError) or error.is_credentials_error:
                self.stop()
            return Result(row, fault=str(error))
        except TwilioUnavailableError as error:
            return self._outcome_unknown(row, str(error))
        except DatabaseUnavailableError as error:
            return self._outcome_unknown(row, f"The database did not answer: {error}.")

    def _outcome_unknown(self, row: Row, reason: str) -> Result:
        self.stop()

        return Result(
            row, fault=f"{reason} It may have been submitted or not.", may_be_submitted=True
        )

    def _submit_until_answered(self, row: Row) -> Result:
        """Submit a row, repeating it until Twilio answers; raises what `submit` raises."""
        intent = Intent(
            idempotency_key=row.key, request=row.request, submitted_by=self._submitted_by
        )
        delay, attempts = self._first_delay_seconds, 0
        unanswered: TwilioUnavailableError | None = None
        while self._may_continue():
            try:
                deadline = Deadline(_DATABASE_TIMEOUT_SECONDS)
                submission = submit(self._engine, self._twilio, intent, deadline)
            except TwilioBusyError as busy:
                seconds = max(busy.retry_after_seconds or delay, self._first_delay_seconds)
                if time.monotonic() + seconds > self._last_accepted_at + _MAX_BUSY_SECONDS:
                    # An earlier attempt without an answer may have created a job; a 429 created
                    # none.
                    raise unanswered or busy from None
                self._throttle(seconds)
            except TwilioUnavailableError as error:
                unanswered = error
                attempts += 1
                if attempts == self._max_attempts:
                    break
                self._throttle(delay)
            else:
                self._last_accepted_at = time.monotonic()
                fault = None if submission.job_id else "Twilio's answer to it can't be used."
                return Result(row, submission.job_id, fault)
            delay = min(2 * delay, _MAX_DELAY_SECONDS)

        if unanswered:
            raise unanswered

        return Result(row)

    def _may_continue(self) -> bool:
        """Wait until Twilio may be called again; return False if the run has ended."""
        while (seconds := self._throttled_until - time.monotonic()) > 0:
            if self._stopped.wait(seconds):
                break

        return not self._stopped.is_set()

    def _throttle(self, seconds: float) -> None:
        """Stop all threads from calling Twilio for this time."""
        self._throttled_until = max(self._throttled_until, time.monotonic() + seconds)
