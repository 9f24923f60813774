"""Adds the counts of one worker to the database: a batch every few seconds, each exactly once."""

import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from receiver.metrics.counts import Counts
from receiver.metrics.worker_state import WorkerState
from receiver.runtime.concurrency_limit import ConcurrencyLimit, TooBusyError
from receiver.runtime.errors import locate
from receiver.runtime.timeouts import time_limit
from receiver.store.metrics.write import CountKey, add_batch, register_worker, remove_worker

logger = logging.getLogger(__name__)

WRITE_TIMEOUT_SECONDS = 2.0


@dataclass
class _Batch:
    """Counts that are being added. They don't change until it is known that they are added."""

    counts: Mapping[CountKey, float]
    attempts: int = 0


class Flusher:
    """Sends one batch at a time. While the database is away, the batch and later counts wait.

    A worker that is killed loses the counts that wait.
    """

    def __init__(
        self,
        engine: Engine,
        connections: ConcurrencyLimit,
        counts: Counts,
        measure: Callable[[], WorkerState],
    ) -> None:
        """Use one of the connections that readers may use, so that callbacks have the others."""
        self._engine = engine
        self._connections = connections
        self._counts = counts
        self._measure = measure
        self._lock = threading.Lock()
        self._worker_id = uuid.uuid4().hex
        self._sequence = 0  # the number of the last batch that is known to be added
        self._batch: _Batch | None = None
        self._is_failing = False
        # Whether the last write succeeded; None before the first. A database that answers reads may
        # refuse writes: a standby, or a full disk.
        self.is_writable: bool | None = None

    def flush(self) -> None:
        """Add what was counted and store the worker's state; never raise."""
        with self._lock:
            try:
                self._run(self._add)
            except Exception as error:  # noqa: BLE001 - the next flush has the counts too
                if not self._is_failing:
                    logger.warning("counts of the metrics not written yet: %s", locate(error))
                self._is_failing = True
                if not isinstance(error, TooBusyError):  # it says nothing about the database
                    self.is_writable = False
            else:
                self._is_failing = False
                self.is_writable = True

    def close(self) -> None:
        """Add what was counted, and remove the worker, before the process ends."""
        self.flush()
        if self._sequence and not self._is_failing:
            with self._lock:
                try:
                    self._run(lambda connection: remove_worker(connection, self._worker_id))
                except Exception as error:  # noqa: BLE001 - its state expires soon
                    logger.info("the state of this worker stays: %s", locate(error))

    def _run(self, work: Callable[[Connection], None]) -> None:
        with (
            self._connections.hold(WRITE_TIMEOUT_SECONDS),
            time_limit(WRITE_TIMEOUT_SECONDS),
            self._engine.connect() as connection,
        ):
            work(connection)

    def _add(self, connection: Connection) -> None:
        """Add the batch that waits, if there is one, and then the counts since."""
        if self._batch:
            self._send(connection, self._batch)
        if self._batch is None:
            self._batch = _Batch(self._counts.take())
            self._send(connection, self._batch)

    def _send(self, connection: Connection, batch: _Batch) -> None:
        if self._sequence == 0:
            register_worker(connection, self._worker_id)
        batch.attempts += 1
        sequence = self._sequence + 1
        stored = add_batch(
            connection, self._worker_id, sequence, batch.counts, self._measure().to_dict()
        )
        if stored == sequence:
            self._sequence, self._batch = sequence, None
        elif stored != self._sequence:  # else an earlier attempt was in progress until now
            self._begin_anew(batch)

    def _begin_anew(self, batch: _Batch) -> None:
        """Continue as another worker: the database has lost this one, or its last batches.

        Whether an earlier attempt added the batch can't be known then. If there was one, the batch
        is dropped, because nothing may be counted twice.
        """
        self._worker_id, self._sequence = uuid.uuid4().hex, 0
        if batch.attempts > 1:
            logger.warning("the counts of some seconds are lost: the database forgot this worker")
            self._batch = None
        batch.attempts = 0
