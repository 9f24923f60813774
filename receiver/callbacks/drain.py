"""The drain: moves spooled callbacks into the ledger, validated again, the oldest first.

Any number of processes may drain at the same time. If a process is killed between the commit and
the removal of the file, the file is moved again: one delivery too many is counted, and nothing else
changes.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, repeat
from typing import NamedTuple

import gevent
from sqlalchemy import Engine

from receiver.callbacks.revalidate import revalidate
from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import locate
from receiver.runtime.timeouts import DeadlineExceededError, run_in_thread, time_limit
from receiver.settings.keys import SigningKey
from receiver.spool.errors import UnusableFileError
from receiver.spool.folder import Spool, SpooledFile, explain
from receiver.store.event import Event, Outcome
from receiver.store.ledger.record import record_or_quarantine, record_unless_locked
from receiver.store.retry import DatabaseUnavailableError, LockedError

logger = logging.getLogger(__name__)

# The limit for one callback: it holds a connection that requests wait for.
RECORD_TIMEOUT_SECONDS = 5.0

# The pauses between two passes: while files wait; while none waits or the database is unavailable.
BUSY_PAUSE_SECONDS = 1.0
IDLE_PAUSE_SECONDS = 5.0

# After an error that isn't known to pass. The pause doubles up to the maximum.
FIRST_RETRY_SECONDS = 5.0
MAX_RETRY_SECONDS = 300.0


class DrainResult(NamedTuple):
    """What happened to one file: moved, or not moved because of an error.

    If it has neither, another process moved the file first.
    """

    name: str
    moved: bool = False
    error: str | None = None


class Drain:
    """Moves the files of a spool, with one database connection and one thread for the disk."""

    def __init__(
        self,
        engine: Engine,
        spool: Spool,
        keys: Sequence[SigningKey],
        *,
        record_timeout_seconds: float = RECORD_TIMEOUT_SECONDS,
        first_retry_seconds: float = FIRST_RETRY_SECONDS,
    ) -> None:
        self.spool = spool
        self._engine = engine
        self._keys = keys
        self._record_timeout_seconds = record_timeout_seconds
        self._first_retry_seconds = first_retry_seconds
        self._logged: set[SpooledFile] = set()
        self._stuck: set[SpooledFile] = set()
        self._postponed: Counter[SpooledFile] = Counter()
        self._failures: Counter[SpooledFile] = Counter()
        self._retry_at: dict[SpooledFile, float] = {}  # in monotonic time

    def waiting(self) -> list[SpooledFile]:
        """Return the files to try, in the order to try them."""
        files = run_in_thread(self.spool.list_files)
        self._forget_all_but(set(files))
        now = time.monotonic()
        to_try = [
            file
            for file in files
            if file not in self._stuck and self._retry_at.get(file, now) <= now
        ]

        # A file that stopped a pass, or whose job was locked, is tried after the others.
        return sorted(to_try, key=lambda file: self._postponed[file])

    def run(self, files: Iterable[SpooledFile]) -> Iterator[DrainResult]:
        """Try to move each file, and yield what happened to it.

        Raises DatabaseUnavailableError if the database doesn't record a file in time; the remaining
        files stay.
        """
        for file in files:
            try:
                result = DrainResult(file.name, moved=self._move(file))
            except LockedError as error:
                self._postponed[file] += 1
                result = DrainResult(file.name, error=str(error))
            except (DatabaseUnavailableError, DeadlineExceededError) as error:
                self._postponed[file] += 1
                raise DatabaseUnavailableError(str(error)) from error
            except Exception as error:  # noqa: BLE001 - one file must not hold up the others
                result = DrainResult(file.name, error=self._keep_in_spool(file, error))
            yield result

    def _forget_all_but(self, files: set[SpooledFile]) -> None:
        self._logged &= files
        self._stuck &= files
        for counts in (self._postponed, self._failures, self._retry_at):
            for file in counts.keys() - files:
                del counts[file]

    def _move(self, file: SpooledFile) -> bool:
        claimed = run_in_thread(self.spool.claim, file.name)
        if claimed is None:
            return False
        with claimed:
            self._record(revalidate(claimed.event, self._keys))
            # If the disk refuses to remove the file, it must not be recorded again and again.
            self._stuck.add(file)
            run_in_thread(claimed.remove)

        return True

    def _record(self, event: Event) -> None:
        seconds = self._record_timeout_seconds
        with time_limit(seconds):
            recorded = record_or_quarantine(
                partial(record_unless_locked, self._engine), event, Deadline(seconds)
            )
        self.spool.breaker.reset()
        logger.log(
            logging.WARNING if recorded.outcome == Outcome.QUARANTINED else logging.INFO,
            "spooled callback %s",
            recorded.outcome,
            extra={
                "callback": recorded.id,
                "job": event.job_id,
                "reason": recorded.reason,
                "detail": recorded.detail,
                "bytes": len(event.body),
                "key": event.key_id,
            },
        )

    def _keep_in_spool(self, file: SpooledFile, error: Exception) -> str:
        """Return why the file stays, and log it once. A disk error may be temporary."""
        if isinstance(error, (UnusableFileError, OSError)):
            cause = explain(error)
        else:
            cause = f"an internal error occurred: {locate(error)}"
        if file not in self._logged:
            logger.error("a spooled callback stays: %s", cause, extra={"file": file.name})
        self._logged.add(file)
        if isinstance(error, UnusableFileError):
            self._stuck.add(file)
        elif not isinstance(error, OSError):
            self._retry_later(file)

        return cause

    def _retry_later(self, file: SpooledFile) -> None:
        """Try the file again after a pause that doubles: the cause may be removed by then."""
        pause_seconds = self._first_retry_seconds * 2 ** min(self._failures[file], 16)
        self._failures[file] += 1
        self._retry_at[file] = time.monotonic() + min(pause_seconds, MAX_RETRY_SECONDS)


def start(engine: Engine, spool: Spool, keys: Sequence[SigningKey]) -> None:
    """Drain the spool in a greenlet of this process, until the process ends."""
    gevent.spawn(run_forever, Drain(engine, spool, keys))


def run_forever(drain: Drain, *, idle_pause_seconds: float = IDLE_PAUSE_SECONDS) -> None:
    """Probe the spool once, then move waiting files again and again; never return."""
    logged = ""
    steps: Iterator[Callable[[Drain], float]] = chain(
        [_probe], repeat(partial(_run_pass, idle_pause_seconds=idle_pause_seconds))
    )
    for step in steps:
        try:
            pause_seconds = step(drain)
            logged = ""
        except Exception as error:  # noqa: BLE001 - the files must be tried again after any error
            pause_seconds = idle_pause_seconds
            if locate(error) != logged:
                logged = locate(error)
                logger.error("draining the spool failed, trying again: %s", logged)  # noqa: TRY400 - located already
        gevent.sleep(pause_seconds)


def _probe(drain: Drain) -> float:
    """Log an error if the spool can't be used; return no pause, so that a pass follows now."""
    try:
        run_in_thread(drain.spool.probe)
    except OSError as error:
        logger.error(  # noqa: TRY400 - where it was raised doesn't matter
            "the spool can't be used, so nothing is stored while the database is unavailable: %s. "
            "Set SPOOL_DIR to a folder that this process, and no other user, can write to.",
            explain(error),
            extra={"folder": str(drain.spool.path)},
        )

    return 0.0


def _run_pass(drain: Drain, *, idle_pause_seconds: float) -> float:
    """Move the waiting files; return the seconds until the next pass."""
    files = drain.waiting()
    moved_count = 0
    try:
        for result in drain.run(files):
            moved_count += result.moved
    except DatabaseUnavailableError as error:
        logger.warning("spooled callbacks wait for the database: %s", error)
        return idle_pause_seconds
    finally:
        if moved_count:
            logger.info("%d spooled callbacks moved into the ledger", moved_count)

    return BUSY_PAUSE_SECONDS if files else idle_pause_seconds
