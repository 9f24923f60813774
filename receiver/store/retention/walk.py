"""Walks over the events in the order in which they were stored, and remembers how far it came."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from receiver.store.retention.batch import Batches
from receiver.store.tables import events, retention_progress

ALL_STEPS = "all"  # the name of a pass with all its steps

# Read at once, without their bodies.
_WINDOW_ROWS = 1000

_progress = retention_progress.c
_COLUMNS = [
    *(events.c[name] for name in ("id", "job_id", "sha256", "received_at", "body_bytes")),
    events.c.body.is_not(None).label("has_body"),
]

Window = list[Row[Any]]


class Walk:
    """A pass over the events that were received before the cutoff.

    The times of receipt ascend with the ids, except for callbacks that waited in the spool, and
    wrong clocks. So the pass ends only at a whole window of events that are too young.
    """

    def __init__(
        self, batches: Batches, name: str, cutoff: datetime, *, is_dry: bool = False
    ) -> None:
        self._batches = batches
        self._name = name
        self._is_dry = is_dry
        self._stored = 0
        self._is_blocked = False  # an event was left for later, so the progress stays before it
        self.cutoff = cutoff
        self.start = 0  # events up to this id were processed by earlier passes
        self.position = 0  # and up to this one by this pass

    def windows(self) -> Iterator[Window]:
        """Yield the next events; `leave` must be called after each window."""
        load = _read_progress if self._is_dry else _load_progress
        self.start = self.position = self._stored = self._batches.read(load, self._name)
        while True:
            window: Window = self._batches.read(_read_window, self.position)
            if not any(event.received_at < self.cutoff for event in window):
                return
            yield window

    def leave(self, window: Window, for_later: Collection[int] = ()) -> None:
        """Go on after the window; the next pass returns to the events that are left for later."""
        self.position = window[-1].id
        if self._is_dry or self._is_blocked:
            return
        last_id = min(for_later, default=self.position + 1) - 1
        self._is_blocked = bool(for_later)
        self._stored = self._batches.read(_advance, self._name, self._stored, last_id)
        if self._stored != last_id:  # a hold was removed, or another process is further
            self.position, self._is_blocked = self._stored, False


def completed_at(connection: Connection, name: str) -> datetime | None:
    """Return when the last complete pass with this name ended, None if there was none."""
    statement = select(_progress.completed_at).where(_progress.name == name)

    return connection.execute(statement).scalar()


def complete(connection: Connection, name: str) -> None:
    """Store that a pass with this name is complete."""
    _load_progress(connection, name)
    connection.execute(
        update(retention_progress)
        .where(_progress.name == name)
        .values(completed_at=func.clock_timestamp())
    )


def _read_progress(connection: Connection, name: str) -> int:
    statement = select(_progress.last_id).where(_progress.name == name)

    return connection.execute(statement).scalar() or 0


def _load_progress(connection: Connection, name: str) -> int:
    connection.execute(
        insert(retention_progress).values(name=name, last_id=0).on_conflict_do_nothing()
    )

    return _read_progress(connection, name)


def _read_window(connection: Connection, position: int) -> Window:
    statement = select(*_COLUMNS).where(events.c.id > position)

    return list(connection.execute(statement.order_by(events.c.id).limit(_WINDOW_ROWS)))


def _advance(connection: Connection, name: str, expected: int, last_id: int) -> int:
    """Store the progress, unless it isn't the expected one any more; return what is stored."""
    statement = (
        update(retention_progress)
        .where(_progress.name == name, _progress.last_id == expected)
        .values(last_id=last_id)
    )
    changed = connection.execute(statement.returning(_progress.last_id)).scalar()

    return _read_progress(connection, name) if changed is None else changed
