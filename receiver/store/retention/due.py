"""Finds the jobs that have been kept for long enough, and quarantined events that have no job."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, BigInteger, Connection, DateTime, Row, Text, bindparam, text

from receiver.store.erasure.holds import is_held
from receiver.store.retention.batch import weight
from receiver.store.retention.walk import Walk

# A retry of a callback that an erasure has absorbed doesn't make a job younger.
IS_YOUNG = """EXISTS (
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
    AND NOT {IS_YOUNG.format(job_id="t.id", cutoff=":cutoff")}
    AND NOT EXISTS (
        SELECT FROM events AS e WHERE e.job_id = t.id COLLATE "default"
        AND e.id > :start AND e.id <= :position
    )
ORDER BY id
""").bindparams(  # noqa: S608 - made of the constants above
    bindparam("job_ids", type_=ARRAY(Text(collation="C"))),
    bindparam("cutoff", type_=DateTime(timezone=True)),
)
HAS_NO_JOB = """(job_id IS NULL
    OR NOT EXISTS (SELECT FROM transcriptions AS t WHERE t.id = events.job_id))"""
IS_EVENT_HELD = is_held("events.job_id", content="events.body")
_FIND_EVENTS = text(f"""
SELECT id, CASE WHEN body IS NULL THEN 0 ELSE body_bytes END AS body_bytes,
    encode(sha256, 'hex') AS sha256
FROM events
WHERE id = ANY(:ids) AND {HAS_NO_JOB} AND NOT {IS_EVENT_HELD} ORDER BY id
""").bindparams(bindparam("ids", type_=ARRAY(BigInteger)))  # noqa: S608 - constants


class Due(NamedTuple):
    """What to remove of a window: weights by id, and the keys of the tombstones by id."""

    jobs: dict[Any, int]
    events: dict[Any, int]
    keys: dict[Any, str]
    event_count: int


def find_due(
    connection: Connection, window: Sequence[Row[Any]], walk: Walk, *, is_dry: bool
) -> Due:
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

    return Due(
        jobs={row.id: weight(row.events, row.body_bytes) for row in jobs},
        events={row.id: weight(1, row.body_bytes) for row in others},
        keys=keys | {row.id: f"sha256:{row.sha256}" for row in others},
        event_count=sum(row.events for row in jobs) + len(others),
    )
