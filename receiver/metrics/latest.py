"""The newest figures that a worker has read: they stay while the database doesn't respond."""

import logging
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from receiver.metrics.worker_state import WorkerState
from receiver.runtime.concurrency_limit import TooBusyError
from receiver.runtime.errors import locate
from receiver.runtime.reader_limits import ReaderLimits
from receiver.runtime.shared_result import SharedResult
from receiver.runtime.timeouts import time_limit
from receiver.store.engine import transactional
from receiver.store.metrics.read import FigureSet

logger = logging.getLogger(__name__)

READ_TIMEOUT_SECONDS = 1.0
# Reading is mostly waiting for the database.
_MAX_SHARE = 0.5


class Latest(NamedTuple):
    """The newest figures, None if this worker has never read any."""

    figures: FigureSet | None
    is_up: bool  # whether the database responded now


class LatestFigures:
    """Reads the figures for all requests of a worker, once in `share_seconds` at most."""

    def __init__(
        self,
        engine: Engine,
        limits: ReaderLimits,
        *,
        read: Callable[[Connection], FigureSet],
        share_seconds: float,
        measure: Callable[[], WorkerState],
    ) -> None:
        self._engine = engine
        self._limits = limits
        self._read_figures = read
        self._measure = measure
        self._figures: FigureSet | None = None
        self._is_failing = False
        self._latest: SharedResult[Latest] = SharedResult(
            max_age_seconds=share_seconds, max_share=_MAX_SHARE
        )

    def get(self) -> Latest:
        """Return the newest figures; while the database doesn't respond, those before.

        If no worker's state is known to the database, it is this worker's.
        """
        return self._latest.get(self._read_and_measure)

    def _read_and_measure(self) -> Latest:
        latest = self._read()
        if latest.figures is None or (latest.is_up and latest.figures.states):
            return latest

        return latest._replace(figures=latest.figures._replace(states=(self._measure().to_dict(),)))

    def _read(self) -> Latest:
        try:
            with (
                self._limits.connections.hold(READ_TIMEOUT_SECONDS),
                time_limit(READ_TIMEOUT_SECONDS),
                transactional(self._engine).begin() as connection,
            ):
                found = self._read_figures(connection)
        except TooBusyError:  # it says nothing about the database
            return Latest(self._figures, is_up=True)
        except Exception as error:  # noqa: BLE001 - the page says so
            if not self._is_failing:
                logger.warning("figures not read from the database: %s", locate(error))
            self._is_failing = True
            return Latest(self._figures, is_up=False)
        self._is_failing = False
        if self._figures and not found.groups:  # their table can't be read now
            found = found._replace(groups=self._figures.groups)
        self._figures = found

        return Latest(found, is_up=True)
