"""Removes jobs with all that belongs to them, and quarantined events that have no job.

First their tombstones are committed, then they are removed: a signed callback that is sent again
must not bring a job back.
"""

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete

from receiver.runtime.deadline import Deadline
from receiver.store.erasure.holds import is_held
from receiver.store.erasure.writers import find_writers, wait_for_writers
from receiver.store.retention.batch import Batches, Counts, attempts
from receiver.store.retention.due import (
    HAS_NO_JOB,
    IS_EVENT_HELD,
    IS_YOUNG,
    Due,
    find_due,
)
from receiver.store.retention.walk import Walk
from receiver.store.tables import tombstones

_WRITERS_TIMEOUT_SECONDS = 10.0
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
        AND NOT {IS_YOUNG.format(job_id="t.id", cutoff="%(cutoff)s::timestamptz")}
    ORDER BY id FOR UPDATE SKIP LOCKED
), removed_events AS (
    DELETE FROM events USING job WHERE events.job_id = job.id COLLATE "default" RETURNING 1
), removed_watches AS (
    DELETE FROM watches USING job WHERE watches.job_id = job.id
), removed_words AS (
    DELETE FROM transcript_index USING job WHERE transcript_index.job_id = job.id
), removed AS (
    DELETE FROM transcriptions USING job WHERE transcriptions.id = job.id RETURNING job.id
)
SELECT ARRAY(SELECT id FROM removed), (SELECT count(*) FROM removed_events)
"""  # noqa: S608 - made of the constants above
_REMOVE_EVENTS = f"""
WITH found AS MATERIALIZED (
    SELECT id FROM events
    WHERE id = ANY(%(ids)s::bigint[]) AND {HAS_NO_JOB} AND NOT {IS_EVENT_HELD}
    ORDER BY id FOR UPDATE SKIP LOCKED
), removed AS (DELETE FROM events USING found WHERE events.id = found.id RETURNING events.id)
SELECT ARRAY(SELECT id FROM removed), (SELECT count(*) FROM removed)
"""  # noqa: S608 - made of the constants above


def remove_jobs(batches: Batches, walk: Walk) -> Counts:
    """Remove the jobs of the walk's events; yield the counts of each batch."""
    for window in walk.windows():
        due = batches.read(find_due, window, walk, is_dry=False)
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
        due = batches.read(find_due, window, walk, is_dry=True)
        yield Counter(jobs=len(due.jobs), events=due.event_count)
        walk.leave(window)


def _remove(batches: Batches, due: Due, walk: Walk) -> Generator[Counter[str], None, set[Any]]:
    """Remove what is due; return the ids that were left, and have no tombstones."""
    left: set[Any] = set(due.keys)
    added: set[str] = set()
    try:
        has_tombstone = yield from _add_tombstones(batches, due.keys, added)
        if added:
            deadline = Deadline(_WRITERS_TIMEOUT_SECONDS)
            wait_for_writers(lambda: batches.read(find_writers), deadline)
        for _ in attempts(left):
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
