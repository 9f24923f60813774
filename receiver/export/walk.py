"""Walks over the pages of an export for a command, which may take any time."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Engine

from receiver.export.jobs import Job, read_job
from receiver.export.position import Position
from receiver.runtime.deadline import Deadline
from receiver.store import retry
from receiver.store.audit.access import Access
from receiver.store.audit.export import JobRange, count_jobs, read_page
from receiver.store.clock import database_now

# How long a database that fails is tried again for one page.
RETRY_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Walk:
    """The walk over all accounts' jobs, from a position."""

    engine: Engine
    access: Access
    position: Position

    def count(self) -> int:
        """Return how many jobs follow."""
        return retry.query(
            self.engine, Deadline(RETRY_TIMEOUT_SECONDS), count_jobs, _after(self.position)
        )

    def pages(self) -> Iterator[list[Job]]:
        """Yield the jobs of each page; raises DatabaseUnavailableError."""
        position = self.position
        while rows := retry.query(
            self.engine, Deadline(RETRY_TIMEOUT_SECONDS), read_page, _after(position), self.access
        ):
            page = []
            for row in rows:
                page.append(read_job(row, position))
                position = page[-1].position
            yield page


def _after(position: Position) -> JobRange:
    return JobRange(after=(position.at, position.id), until=position.until, account_id=None)


def start_position(engine: Engine) -> Position:
    """Return the position at the beginning of all jobs up to now, by the database's clock."""
    return Position(until=retry.query(engine, Deadline(RETRY_TIMEOUT_SECONDS), database_now))
