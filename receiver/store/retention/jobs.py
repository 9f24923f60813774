"""Removes jobs with all that belongs to them, and quarantined events that have no job.

First their tombstones are committed, then they are removed: a signed callback that is sent again
must not bring a job back.
"""

import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    DateTime,
    Row,
    Text,
    bindparam,
    delete,
    text,
)

from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import SafeMessageError
from receiver.store.erasure.holds import is_held
from receiver.store.erasure.writers import wait_for_writers
from receiver.store.retention.batch import Batches, weight
from receiver.store.retention.walk import Walk
from receiver.store.tables import tombstones

_WRITERS_TIMEOUT_SECONDS = 10.0
# Rows that another transaction has locked, for example for a callback, are tried again.
_MAX_ATTEMPTS = 4
_PAUSE_SECONDS = 0.05

# A retry of a callback that an erasure has absorbed doesn't make a job younger.
_IS_YOUNG = """EXISTS (
    SELECT FROM events AS e WHERE e.job_id = {job_id} COLLATE "default"
    AND e.received_at >= {cutoff} AND e.outcome <> 'erased'
)"""

# The events are these of a window. A job is listed with its first event after the start of the
# pass, so a dry run counts it once.
_FIND_JOBS = text(f"""
SELECT id, of_job.events, of_job.body_bytes FROM transcriptions AS t
CROSS JOIN LATERAL (
    SELECT count(*) AS events,
        COALESCE(sum(body_bytes) FILTER (WHERE body IS NOT NULL), 0) AS body_bytes
    FROM events AS e WHERE e.job_id = t.id COLLATE "default"
) AS of_job
WHERE id = ANY(:job_ids) AND NOT {is_held("t.id")}
    AND NOT {_IS_YOUNG.format(job_id="t.id", cutoff=":cutoff")}
    AND NOT EXISTS (
        SELECT FROM events AS e WHERE e.job_id = t.id COLLATE "default"
        AND e.id > :start AND e.id <= :position
    )
ORDER BY id
""").bindparams(  # noqa: S608 - made of the constants above
    bindparam("job_ids", type_=ARRAY(Text(collation="C"))),
    bindparam("cutoff", type_=DateTime(timezone=True)),
)
_HAS_NO_JOB = """(job_id IS NULL
    OR NOT EXISTS (SELECT FROM transcriptions AS t WHERE t.id = events.job_id))"""
_IS_EVENT_HELD = is_held("events.job_id", content="events.body")
_FIND_EVENTS = text(f"""
SELECT id, CASE WHEN body IS NULL THEN 0 ELSE body_bytes END AS body_bytes,
    encode(sha256, 'hex') AS sha256
FROM events
WHERE id = ANY(:ids) AND {_HAS_NO_JOB} AND NOT {_IS_EVENT_HELD} ORDER BY id
""").bindparams(bindparam("ids", type_=ARRAY(BigInteger)))  # noqa: S608 - constants

_ADD_TOMBSTONES = """
INSERT INTO tombstones (key, erased_at)
SELECT key, now() FROM unnest(%(keys)s::text[]) AS key ORDER BY key
ON CONFLICT DO NOTHING RETURNING key
"""
# The job comes first, in the order in which all writers lock these rows.
_REMOVE_JOBS = f"""
WITH job AS MATERIALIZED (
    SELECT id FROM transcriptions AS t
    WHERE id = ANY(%(ids)s::text[]) AND NOT {is_held("t.id")}
        AND NOT {_IS_YOUNG.format(job_id="t.id", cutoff="%(cutoff)s::timestamptz")}
    ORDER BY id FOR UPDATE SKIP LOCKED
), removed_events AS (
    DELETE FROM events USING job WHERE events.job_id = job.id COLLATE "default" RETURNING 1
), removed_watches AS (
    DELETE FROM watches USING job WHERE watches.job_id = job.id
), removed AS (
    DELETE FROM transcriptions USING job WHERE transcriptions.id = job.id RETURNING job.id
)
SELECT ARRAY(SELECT id FROM removed), (SELECT count(*) FROM removed_events)
"""  # noqa: S608 - made of the constants above
_REMOVE_EVENTS = f"""
WITH found AS MATERIALIZED (
    SELECT id FROM events
    WHERE id = ANY(%(ids)s::bigint[]) AND {_HAS_NO_JOB} AND NOT {_IS_EVENT_HELD}
    ORDER BY id FOR UPDATE SKIP LOCKED
), removed AS (DELETE FROM events USING found WHERE events.id = found.id RETURNING events.id)
SELECT ARRAY(SELECT id FROM removed), (SELECT count(*) FROM removed)
"""  # noqa: S608 - made of the constants above


class BusyWritersError(SafeMessageError):
    """A transaction writes for so long that nothing can be removed safely."""


class _Due(NamedTuple):
    """What to remove of a window: weights by id, and the keys of the tombstones by id."""

    jobs: dict[Any, int]
    events: dict[Any, int]
    keys: dict[Any, str]
    event_count: int


Counts = Generator[Counter[str], None, None]


def remove_jobs(batches: Batches, walk: Walk) -> Counts:
    """Remove the jobs of the walk's events; yield the counts of each batch."""
    for window in walk.windows():
        due = batches.read(_find, window, walk, is_dry=False)
        left = yield from _remove(batches, due, walk)
        for_later = {
            event.id
            for event in window
            if event.received_at >= walk.cutoff or event.id in left or event.job_id in left
        }
        walk.leave(window, for_later)


def count_jobs(batches: Batches, walk: Walk) -> Counts:
    """Yield the counts of the jobs, and of their events, that would be removed."""
    for window in walk.windows():
        due = batches.read(_find, window, walk, is_dry=True)
        yield Counter(jobs=len(due.jobs), events=due.event_count)
        walk.leave(window)


def _find(connection: Connection, window: Sequence[Row[Any]], walk: Walk, *, is_dry: bool) -> _Due:
    """Return what is due of the window; in a dry run, a job is due in its first window only."""
    old = [event for event in window if event.received_at < walk.cutoff]
    parameters = {
        "job_ids": sorted({event.job_id for event in old if event.job_id}),
        "cutoff": walk.cutoff,
        "start": walk.start,
        "position": walk.position if is_dry else walk.start,
    }
    jobs = connection.execute(_FIND_JOBS, parameters).all()
    others = connection.execute(_FIND_EVENTS, {"ids": [event.id for event in old]}).all()
    keys = {row.id: f"job:{row.id}" for row in jobs}

    return _Due(
        jobs={row.id: weight(row.events, row.body_bytes) for row in jobs},
        events={row.id: weight(1, row.body_bytes) for row in others},
        keys=keys | {row.id: f"sha256:{row.sha256}" for row in others},
        event_count=sum(row.events for row in jobs) + len(others),
    )


def _remove(batches: Batches, due: _Due, walk: Walk) -> Generator[Counter[str], None, set[Any]]:
    """Remove what is due; return the ids that were left, and have no tombstones."""
    left: set[Any] = set(due.keys)
    added: set[str] = set()
    try:
        has_tombstone = yield from _add_tombstones(batches, due.keys, added)
        if added and not batches.read(_wait_for_writers):
            raise BusyWritersError(
                "no job was removed, because a transaction has been writing for more than "
                f"{_WRITERS_TIMEOUT_SECONDS:.0f} s"
            )
        for attempt in range(_MAX_ATTEMPTS):
            if attempt and left:
                time.sleep(_PAUSE_SECONDS)
            for statement, weights in ((_REMOVE_JOBS, due.jobs), (_REMOVE_EVENTS, due.events)):
                remaining = {key: weights[key] for key in weights if key in left & has_tombstone}
                for ids in batches.split(remaining):
                    if rows := batches.execute(statement, ids=ids, cutoff=walk.cutoff):
                        [(removed, events)] = rows
                        left -= set(removed)
                        jobs = len(removed) if statement is _REMOVE_JOBS else 0
                        yield Counter(jobs=jobs, events=events)
    finally:
        # What is left may be held since, or an event of it came in between.
        keys = {due.keys[key] for key in left} & added
        if keys:
            batches.read(_remove_tombstones, sorted(keys))

    return left


def _add_tombstones(
    batches: Batches, keys: Mapping[Any, str], added: set[str]
) -> Generator[Counter[str], None, set[Any]]:
    """Commit the tombstones; add the new ones to `added`, and return the ids that have one now."""
    done: set[Any] = set()
    for ids in batches.split(dict.fromkeys(keys, 1)):
        rows = batches.execute(_ADD_TOMBSTONES, keys=[keys[key] for key in ids])
        if rows is not None:
            added |= {row[0] for row in rows}
            done |= set(ids)
        yield Counter()

    return done


def _remove_tombstones(connection: Connection, keys: Sequence[str]) -> None:
    connection.execute(
        delete(tombstones).where(tombstones.c.key.in_(keys), tombstones.c.erasure_id.is_(None))
    )


def _wait_for_writers(connection: Connection) -> bool:
    return wait_for_writers(connection, Deadline(_WRITERS_TIMEOUT_SECONDS))
