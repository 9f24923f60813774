"""The metrics of one worker: what it counts, when it writes, and the page that it serves."""

import logging
import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import gevent
from sqlalchemy import Engine

from receiver.metrics.counts import Counts
from receiver.metrics.figures import Counting, refresh_figures
from receiver.metrics.flush import Flusher
from receiver.metrics.latest import LatestFigures
from receiver.metrics.worker_state import WorkerState
from receiver.runtime.concurrency_limit import TooBusyError
from receiver.runtime.errors import locate
from receiver.runtime.reader_limits import ReaderLimits
from receiver.runtime.shared_result import SharedResult
from receiver.runtime.timeouts import time_limit
from receiver.store.engine import transactional
from receiver.store.metrics.read import Snapshot, read_figures, read_snapshot

logger = logging.getLogger(__name__)

# A worker that is killed loses the counts of this time.
FLUSH_SECONDS = 10.0
# Slow figures are computed, and the state of a silent worker expires, after this many flushes.
_FLUSHES_PER_MINUTE = 6
# A scrape waits for a connection of readers, then uses it, for at most these times. A worker reads
# the page once a second at most, for all scrapes.
CONNECTION_TIMEOUT_SECONDS = 0.5
READ_TIMEOUT_SECONDS = 1.0
_PAGES_PER_FLUSH = 10
# Making it is mostly waiting for the database.
_MAX_PAGE_SHARE = 0.5


class Metrics:
    """Counts, and writes and reads the metrics' tables."""

    def __init__(
        self,
        engine: Engine,
        limits: ReaderLimits,
        measure: Callable[[], WorkerState],
        *,
        counting: Counting,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        """Write every `flush_seconds` at most."""
        self.counts = Counts()
        self._engine = engine
        self._limits = limits
        self._measure = measure
        self._counting = counting
        self._flush_seconds = flush_seconds
        self._max_age = timedelta(seconds=_FLUSHES_PER_MINUTE * flush_seconds)
        self._flusher = Flusher(engine, limits.connections, self.counts, measure)
        self._page: SharedResult[bytes] = SharedResult(
            max_age_seconds=flush_seconds / _PAGES_PER_FLUSH, max_share=_MAX_PAGE_SHARE
        )

        self.latest = LatestFigures(
            engine,
            limits,
            read=partial(read_figures, max_age=self._max_age, endpoints=counting.endpoints),
            share_seconds=flush_seconds / _PAGES_PER_FLUSH,
            measure=measure,
        )

    @property
    def is_writable(self) -> bool | None:
        """Whether this worker's last write succeeded; None before the first."""
        return self._flusher.is_writable

    def start(self) -> None:
        """Write again and again in a greenlet of this process, until the process ends."""
        gevent.spawn(self._run_forever)

    def close(self) -> None:
        """Write what was counted, before the process ends."""
        self._flusher.close()

    def write(self) -> None:
        """Add the counts to the database, and compute the slow figures if they are due."""
        self._flusher.flush()
        try:
            refresh_figures(
                self._engine,
                self._limits.connections,
                counting=self._counting,
                max_age=self._max_age,
                statement_seconds=self._limits.count_seconds,
            )
        except Exception as error:  # noqa: BLE001 - the figures before stay, with their time
            logger.info("figures of the metrics not computed: %s", locate(error))
        # The console shows them while the database doesn't respond.
        self.latest.get()

    def page(self) -> bytes:
        """Return the page; while the database doesn't respond, what this worker knows."""
        return self._page.get(self._make_page)

    def read(self) -> Snapshot:
        """Return the metrics in the database."""
        with transactional(self._engine).begin() as connection:
            return read_snapshot(
                connection, max_age=self._max_age, endpoints=self._counting.endpoints
            )

    def _run_forever(self) -> None:
        while True:
            # Workers that started together must not wait for each other's rows.
            gevent.sleep(self._flush_seconds * random.uniform(0.8, 1))  # noqa: S311 - no secret
            self.write()

    def _make_page(self) -> bytes:
        try:
            with (
                self._limits.connections.hold(CONNECTION_TIMEOUT_SECONDS),
                time_limit(READ_TIMEOUT_SECONDS),
            ):
                snapshot = self.read()
        except TooBusyError:  # it says nothing about the database
            return self._render(None, is_up=None)
        except Exception as error:  # noqa: BLE001 - the page says so
            logger.warning("metrics not read from the database: %s", locate(error))
            return self._render(None, is_up=False)
        for table, reason in snapshot.tables.items():
            if reason:
                logger.warning("the metrics lack those of the table %s: %s", table, reason)
        self._limits.pacer.pause_if_due()

        return self._render(snapshot, is_up=True)

    def _render(self, snapshot: Snapshot | None, *, is_up: bool | None) -> bytes:
        # Late: Prometheus's library takes 7 ms of each start, and many services are never scraped.
        from receiver.metrics.page import render  # noqa: PLC0415

        return render(snapshot, self._measure(), is_up=is_up, is_writable=self.is_writable)
