"""Submitting many jobs: a few at a time, at the pace that Twilio allows, until it can't go on."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Engine

from receiver.runtime.deadline import Deadline
from receiver.store.retry import DatabaseUnavailableError
from receiver.store.submissions.outbox import KeyReusedError, OutcomeUnknownError
from receiver.submissions.csv_rows import Row
from receiver.submissions.submit import Intent, submit
from receiver.twilio.client import (
    Twilio,
    TwilioBusyError,
    TwilioRefusedError,
    TwilioUnavailableError,
)

# How many jobs are submitted at the same time: enough to hide the way to Twilio and back.
CONCURRENCY = 4
# In seconds: how long the database may take over one job.
_PATIENCE = 60.0
# In seconds, where Twilio doesn't say how long to wait; the pauses double.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
# In seconds: how long nothing but 429 may come before a run ends.
_BUSY = 120.0
# How often a job is tried while Twilio doesn't answer.
_TRIES = 5


@dataclass(frozen=True)
class Result:
    """What became of a row: a job, a fault, or neither, if it was not come to.

    `is_open`: it may have been submitted or not.
    """

    row: Row
    job_id: str | None = None
    fault: str | None = None
    is_open: bool = False


class Batch:
    """One run over many rows, by one submitter."""

    def __init__(self, engine: Engine, twilio: Twilio, submitted_by: str) -> None:
        self._engine = engine
        self._twilio = twilio
        self._submitted_by = submitted_by
        self._over = threading.Event()
        self._not_before = time.monotonic()
        self._answered = time.monotonic()

    def run(self, rows: Sequence[Row]) -> Iterator[Result]:
        """Submit the rows and yield what became of each, in their order.

        What would meet every row (Twilio or the database is away, the credentials are refused)
        ends the run: the rows after it are not come to.
        """
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            try:
                yield from pool.map(self._result, rows)
            finally:
                self.stop()
                pool.shutdown(cancel_futures=True)

    def stop(self) -> None:
        """Let what is under way come to its end, and begin nothing more."""
        self._over.set()

    def _result(self, row: Row) -> Result:
        try:
            return self._submitted(row)
        except KeyReusedError:
            return Result(row, fault="its Idempotency-Key was used for another request (17534).")
        except OutcomeUnknownError as error:
            return Result(row, fault=f"{error} `submit` without --idempotency-key makes one.")
        except (TwilioRefusedError, TwilioBusyError) as error:
            if isinstance(error, TwilioBusyError) or error.is_of_credentials:
                self.stop()
            return Result(row, fault=str(error))
        except TwilioUnavailableError as error:
            return self._left_open(row, str(error))
        except DatabaseUnavailableError as error:
            return self._left_open(row, f"The database did not answer: {error}.")

    def _left_open(self, row: Row, why: str) -> Result:
        self.stop()

        return Result(row, fault=f"{why} It may have been submitted or not.", is_open=True)

    def _submitted(self, row: Row) -> Result:
        intent = Intent(
            idempotency_key=row.key, request=row.request, submitted_by=self._submitted_by
        )
        pause, tries = _FIRST_PAUSE, 0
        away: TwilioUnavailableError | None = None
        while self._is_time():
            try:
                submission = submit(self._engine, self._twilio, intent, Deadline(_PATIENCE))
            except TwilioBusyError as busy:
                seconds = max(busy.retry_after or pause, _FIRST_PAUSE)
                if time.monotonic() + seconds > self._answered + _BUSY:
                    raise away or busy from None
                self._wait(seconds)
            except TwilioUnavailableError as error:
                away = error
                tries += 1
                if tries == _TRIES:
                    break
                self._wait(pause)
            else:
                self._answered = time.monotonic()
                unusable = None if submission.job_id else "Twilio's answer to it can't be used."
                return Result(row, submission.job_id, unusable)
            pause = min(2 * pause, _LONGEST_PAUSE)

        if away:
            raise away

        return Result(row)

    def _is_time(self) -> bool:
        """Wait until Twilio may be asked again, and tell whether the run goes on."""
        while (pause := self._not_before - time.monotonic()) > 0:
            if self._over.wait(pause):
                break

        return not self._over.is_set()

    def _wait(self, seconds: float) -> None:
        """Let nobody ask Twilio for so long."""
        self._not_before = max(self._not_before, time.monotonic() + seconds)
