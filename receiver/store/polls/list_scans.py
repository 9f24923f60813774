"""Scans of Twilio's list of jobs, stored in the table `passes`: one scan at a time.

A scan lists the jobs created since the last complete scan began. An interrupted scan continues
where it stopped, unless it began too long ago. It is complete only after every page was read; until
then its result must not be relied on.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Update,
    delete,
    func,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from receiver.store.tables import events, passes

_scan = passes.c

# Twilio may list a job some time after its creation, so a scan lists this much again.
OVERLAP = timedelta(minutes=10)
# The first scan begins this long before the first event. Older jobs are not jobs of this service;
# the margin covers failures on the first day.
FIRST_SCAN_MARGIN = timedelta(days=1)
MAX_LOOK_BACK = timedelta(days=30)  # of the first scan
# An interrupted scan can continue for this long.
MAX_INTERRUPTION = timedelta(hours=1)
# The whole scan may take this long with its interruptions: its first pages get old.
MAX_SCAN_TIME = timedelta(hours=6)
# A scan that is recorded further in the future comes from a wrong clock, and doesn't count. The
# limit is longer than any lease. A smaller error of a clock does no harm, because of OVERLAP.
MAX_AHEAD = OVERLAP
# Older scans are deleted.
RETENTION = timedelta(days=30)

# The time between two scans: it increases while nothing changes.
MIN_REST = timedelta(minutes=1)
MAX_REST = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Scan:
    """A scan in progress: which jobs to list, and from which page (None: the first)."""

    id: int
    created_after: datetime
    token: str | None


@dataclass(frozen=True, kw_only=True)
class ScanCounts:
    """How many jobs were checked, had changed, and were unknown before."""

    checked: int = 0
    changed: int = 0
    found: int = 0


def begin(connection: Connection, *, at: datetime, leased_until: datetime) -> Scan | None:
    """Begin a scan, or continue the last one if it was interrupted; None if no scan is needed.

    No scan is needed while another one is in progress, or if one began at the given time or later.
    """
    has_lease = _scan.leased_until.between(at, at + MAX_AHEAD)
    connection.execute(
        update(passes)
        .where(_scan.ended_at.is_(None), not_(has_lease))
        .values(ended_at=at, fault="It was interrupted.")
    )
    begun = select(func.max(_scan.started_at)).where(_scan.started_at <= at + MAX_AHEAD)
    newest = connection.execute(begun).scalar()
    if newest is not None and newest >= at:
        return None

    return _resume(connection, at, leased_until) or _insert(connection, at, leased_until)


def _resume(connection: Connection, at: datetime, leased_until: datetime) -> Scan | None:
    last = select(func.max(_scan.id)).scalar_subquery()
    statement = (
        update(passes)
        .where(_scan.id == last, _scan.completed_at.is_(None), _scan.token.is_not(None))
        .where(_scan.ended_at.between(at - MAX_INTERRUPTION, at + MAX_AHEAD))
        .where(_scan.started_at > at - MAX_SCAN_TIME, _scan.started_at <= at + MAX_AHEAD)
        .values(ended_at=None, fault=None, leased_until=leased_until)
        .returning(_scan.id, _scan.created_after, _scan.token)
    )
    row = connection.execute(statement).one_or_none()

    return None if row is None else _to_scan(row)


def _insert(connection: Connection, at: datetime, leased_until: datetime) -> Scan | None:
    statement = (
        insert(passes)
        .values(
            started_at=at,
            created_after=_created_after(connection, at),
            leased_until=leased_until,
        )
        .on_conflict_do_nothing()
        .returning(_scan.id, _scan.created_after, _scan.token)
    )
    row = connection.execute(statement).one_or_none()

    return None if row is None else _to_scan(row)


def _to_scan(row: Row[Any]) -> Scan:
    return Scan(id=row.id, created_after=row.created_after, token=row.token)


def _created_after(connection: Connection, at: datetime) -> datetime:
    """Return the creation time from which a new scan lists the jobs."""
    last_scan_at = connection.execute(last_complete_scan(at)).scalar()
    if last_scan_at is not None:
        return last_scan_at - OVERLAP
    first = connection.execute(select(events.c.received_at).order_by(events.c.id).limit(1)).scalar()

    return max(min(first or at, at) - FIRST_SCAN_MARGIN, at - MAX_LOOK_BACK)


def advance(
    connection: Connection,
    scan: Scan,
    counts: ScanCounts,
    *,
    token: str | None,
    leased_until: datetime,
) -> bool:
    """Store the counts of a page, and which page is next.

    `token` is the next page's, None after the last page. Return False if another process has taken
    over the scan.
    """
    statement = _update(scan).values(
        checked=_scan.checked + counts.checked,
        changed=_scan.changed + counts.changed,
        found=_scan.found + counts.found,
        token=token,
        leased_until=leased_until,
    )

    return connection.execute(statement).rowcount == 1


def complete(connection: Connection, scan: Scan, at: datetime) -> None:
    """Mark the scan as complete: every page was read. Delete old scans and impossible ones."""
    connection.execute(_update(scan).values(completed_at=at, ended_at=at, token=None))
    is_kept = _scan.started_at.between(at - RETENTION, at + MAX_AHEAD)
    connection.execute(delete(passes).where(not_(is_kept)))


def abort(connection: Connection, scan: Scan, at: datetime, *, fault: str, resumable: bool) -> None:
    """End the scan as incomplete, with the reason; the next page of a resumable one stays."""
    token: ColumnElement[str | None] | None = _scan.token if resumable else None
    connection.execute(_update(scan).values(ended_at=at, fault=fault, token=token))


def last_complete_scan(at: datetime) -> Select[datetime | None]:
    """Return the query of when the last complete scan began; it returns null before the first."""
    return select(func.max(_scan.started_at)).where(
        _scan.completed_at.is_not(None), _scan.started_at <= at + MAX_AHEAD
    )


def next_scan_at(connection: Connection, at: datetime) -> datetime | None:
    """Return when the next scan may begin, or the last one may continue; None before the first."""
    ended_at = func.coalesce(_scan.ended_at, _scan.leased_until)
    has_changes = or_(_scan.changed > 0, _scan.found > 0)
    statement = select(
        func.max(ended_at).label("ended_at"),
        func.max(_scan.started_at).filter(has_changes).label("last_change_at"),
    ).where(_scan.started_at <= at + MAX_AHEAD, ended_at <= at + MAX_AHEAD)
    row = connection.execute(statement).one()
    if row.ended_at is None:
        return None
    last_ended_at: datetime = row.ended_at
    unchanged_for = last_ended_at - row.last_change_at if row.last_change_at else MAX_REST

    return last_ended_at + min(max(unchanged_for, MIN_REST), MAX_REST)


def _update(scan: Scan) -> Update:
    return update(passes).where(_scan.id == scan.id, _scan.ended_at.is_(None))
