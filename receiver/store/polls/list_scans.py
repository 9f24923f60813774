"""Passes over Twilio's list of jobs: one at a time, and from where the last complete one began.

A pass that was cut short is taken up again where it stopped, unless it began too long ago, and is
complete only once every page was read. Until then nobody may rely on it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Update, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from receiver.store.tables import events, passes

_p = passes.c

# Twilio may list a job some time after it was created.
OVERLAP = timedelta(minutes=10)
# The first pass: what was created before the store first heard of anything was never ours, but
# for what may have gone wrong on the first day.
FIRST_SCAN_MARGIN = timedelta(days=1)
MAX_LOOK_BACK = timedelta(days=30)
# For how long the place where a pass was cut short is good for going on.
MAX_INTERRUPTION = timedelta(hours=1)
# And for how long a pass may take with all that: its first pages were read when it began.
MAX_SCAN_TIME = timedelta(hours=6)
RETENTION = timedelta(days=30)

# How long after a pass the next one may begin: the longer nothing has happened, the longer.
MIN_REST = timedelta(minutes=1)
MAX_REST = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Scan:
    """A pass that is under way: which jobs are to be listed, and from which page on."""

    id: int
    created_after: datetime
    token: str | None


@dataclass(frozen=True, kw_only=True)
class ScanCounts:
    """How many jobs were looked at, had changed, and were not known before."""

    checked: int = 0
    changed: int = 0
    found: int = 0


def begin(connection: Connection, *, at: datetime, leased_until: datetime) -> Scan | None:
    """Begin a pass, or take up the one that was cut short last; None: one is under way.

    One that began at the given time or later counts as this one, and isn't done again.
    """
    connection.execute(
        update(passes)
        .where(_p.ended_at.is_(None), _p.leased_until < at)
        .values(ended_at=at, fault="It was cut short.")
    )
    newest = connection.execute(select(func.max(_p.started_at))).scalar()
    if newest is not None and newest >= at:
        return None

    return _resumed(connection, at, leased_until) or _begun(connection, at, leased_until)


def _resumed(connection: Connection, at: datetime, leased_until: datetime) -> Scan | None:
    last = select(func.max(_p.id)).scalar_subquery()
    statement = (
        update(passes)
        .where(_p.id == last, _p.completed_at.is_(None), _p.token.is_not(None))
        .where(_p.ended_at >= at - MAX_INTERRUPTION, _p.started_at > at - MAX_SCAN_TIME)
        .values(ended_at=None, fault=None, leased_until=leased_until)
        .returning(_p.id, _p.created_after, _p.token)
    )
    row = connection.execute(statement).one_or_none()

    return None if row is None else _pass(row)


def _begun(connection: Connection, at: datetime, leased_until: datetime) -> Scan | None:
    statement = (
        insert(passes)
        .values(
            started_at=at,
            created_after=_beginning(connection, at),
            leased_until=leased_until,
        )
        .on_conflict_do_nothing()
        .returning(_p.id, _p.created_after, _p.token)
    )
    row = connection.execute(statement).one_or_none()

    return None if row is None else _pass(row)


def _pass(row: Row[Any]) -> Scan:
    return Scan(id=row.id, created_after=row.created_after, token=row.token)


def _beginning(connection: Connection, at: datetime) -> datetime:
    """Return from which time of creation on the jobs are to be listed."""
    complete = last_complete_scan_at(connection)
    if complete is not None:
        return complete - OVERLAP
    first = connection.execute(select(events.c.received_at).order_by(events.c.id).limit(1)).scalar()

    return max(min(first or at, at) - FIRST_SCAN_MARGIN, at - MAX_LOOK_BACK)


def advance(
    connection: Connection,
    open_pass: Scan,
    counts: ScanCounts,
    *,
    token: str | None,
    leased_until: datetime,
) -> bool:
    """Note that a page was read, what it came to, and the next one; False: it is another's now."""
    statement = _open(open_pass).values(
        checked=_p.checked + counts.checked,
        changed=_p.changed + counts.changed,
        found=_p.found + counts.found,
        token=token,
        leased_until=leased_until,
    )

    return connection.execute(statement).rowcount == 1


def complete(connection: Connection, open_pass: Scan, at: datetime) -> None:
    """Note that every page was read, and forget passes of long ago."""
    connection.execute(_open(open_pass).values(completed_at=at, ended_at=at, token=None))
    connection.execute(delete(passes).where(_p.started_at < at - RETENTION))


def abort(
    connection: Connection, open_pass: Scan, at: datetime, *, fault: str, resumable: bool
) -> None:
    """Note that not every page was read, and why."""
    token: ColumnElement[str | None] | None = _p.token if resumable else None
    connection.execute(_open(open_pass).values(ended_at=at, fault=fault, token=token))


def last_complete_scan_at(connection: Connection) -> datetime | None:
    """Return when the last complete pass began."""
    statement = select(func.max(_p.started_at)).where(_p.completed_at.is_not(None))

    return connection.execute(statement).scalar()


def next_scan_at(connection: Connection) -> datetime | None:
    """Return when the next pass may begin, or be taken up; None: there was none yet."""
    eventful = or_(_p.changed > 0, _p.found > 0)
    statement = select(
        func.max(func.coalesce(_p.ended_at, _p.leased_until)).label("end"),
        func.max(_p.started_at).filter(eventful).label("event"),
    )
    row = connection.execute(statement).one()
    if row.end is None:
        return None
    end: datetime = row.end
    quiet = end - row.event if row.event else MAX_REST

    return end + min(max(quiet, MIN_REST), MAX_REST)


def _open(open_pass: Scan) -> Update:
    return update(passes).where(_p.id == open_pass.id, _p.ended_at.is_(None))
