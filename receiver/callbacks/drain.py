"""The drain: moves spooled callbacks into the ledger, judged anew, the oldest first.

Any number of processes may do so at once. One that is killed between the commit and the removal of
the file leaves it to be moved again, which counts a delivery too many and changes nothing else.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy import Engine

from receiver.callbacks.revalidate import revalidate
from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import locate
from receiver.runtime.timeouts import DeadlineExceededError, run_in_thread, time_limit
from receiver.settings.keys import SigningKey
from receiver.spool.claim import claim
from receiver.spool.file import CorruptFileError
from receiver.spool.folder import Spool, SpooledFile, explain
from receiver.store.event import Event, Outcome
from receiver.store.ledger.record import record, record_or_quarantine
from receiver.store.retry import DatabaseUnavailableError

logger = logging.getLogger(__name__)

# What recording one callback may take, in seconds: it holds a connection that requests wait for.
RECORD_SECONDS = 5.0


class DrainResult(NamedTuple):
    """What became of one file: moved, or kept where it is by an obstacle.

    Where it is neither, another process was faster.
    """

    name: str
    moved: bool = False
    error: str | None = None


class Drain:
    """Moves what waits, with one connection. Its disk is waited for: in one thread, for so long."""

    def __init__(self, engine: Engine, spool: Spool, keys: Sequence[SigningKey]) -> None:
        self.spool = spool
        self._engine = engine
        self._keys = keys
        self._told: set[SpooledFile] = set()
        self._stuck: set[SpooledFile] = set()
        self._stops: Counter[SpooledFile] = Counter()  # how many passes each has stopped

    def waiting(self) -> list[SpooledFile]:
        """Return the files that are worth a try, in the order to try them."""
        files = run_in_thread(self.spool.list_files)
        self._forget_all_but(set(files))
        worth = [file for file in files if file not in self._stuck]

        # What has stopped a pass goes behind the others: perhaps only its own job is locked.
        return sorted(worth, key=lambda file: self._stops[file])

    def run(self, files: Iterable[SpooledFile]) -> Iterator[DrainResult]:
        """Try each of the files, and yield what became of it.

        Raises DatabaseUnavailableError, and leaves the rest alone, where the database doesn't take
        one in time.
        """
        for file in files:
            try:
                tried = DrainResult(file.name, moved=self._move(file))
            except (DatabaseUnavailableError, DeadlineExceededError) as error:
                self._stops[file] += 1
                raise DatabaseUnavailableError(str(error)) from error
            except Exception as error:  # noqa: BLE001 - one file must not hold up the others
                tried = DrainResult(file.name, error=self._stay(file, error))
            yield tried

    def _forget_all_but(self, files: set[SpooledFile]) -> None:
        self._told &= files
        self._stuck &= files
        for file in self._stops.keys() - files:
            del self._stops[file]

    def _move(self, file: SpooledFile) -> bool:
        claimed = run_in_thread(claim, self.spool.path / file.name)
        if claimed is None:
            return False
        with claimed:
            self._record(revalidate(claimed.event, self._keys))
            # If the disk refuses to remove it, it must not be recorded over and over.
            self._stuck.add(file)
            run_in_thread(claimed.remove)

        return True

    def _record(self, event: Event) -> None:
        with time_limit(RECORD_SECONDS):
            recorded = record_or_quarantine(
                partial(record, self._engine), event, Deadline(RECORD_SECONDS)
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

    def _stay(self, file: SpooledFile, error: Exception) -> str:
        """Return why the file stays, and tell it once. What the disk refuses may pass."""
        if isinstance(error, (CorruptFileError, OSError)):
            cause = explain(error)
        else:
            cause = f"it met a fault of ours: {locate(error)}"
        if file not in self._told:
            logger.error("a spooled callback stays: %s", cause, extra={"file": file.name})
        self._told.add(file)
        if not isinstance(error, OSError):
            self._stuck.add(file)

        return cause
