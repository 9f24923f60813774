"""Expires bodies: their bytes go, everything else of the events stays."""

from collections import Counter
from collections.abc import Generator, Mapping
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Connection, Row, bindparam, text

from receiver.store.erasure.holds import is_held
from receiver.store.retention.batch import Batches, Counts, attempts, weight
from receiver.store.retention.walk import Walk

# Only the bytes of a quarantined event may say whose it is.
_IS_HELD = f"""({is_held("events.job_id")}
    OR outcome = 'quarantined' AND {is_held("events.job_id", content="events.body")})"""

_COUNT = text(
    f"SELECT count(*) FROM events WHERE id = ANY(:ids) AND body IS NOT NULL AND NOT {_IS_HELD}"  # noqa: S608 - constants
).bindparams(bindparam("ids", type_=ARRAY(BigInteger)))

# Jobs are locked first and in the order of their ids, as by all writers. A job's row says since
# when its transcript is gone; that is not a part of the fold.
_EXPIRE = f"""
WITH due AS MATERIALIZED (
    SELECT id, job_id FROM events
    WHERE id = ANY(%(ids)s::bigint[]) AND body IS NOT NULL AND NOT {_IS_HELD}
), job AS MATERIALIZED (
    SELECT id FROM transcriptions
    WHERE id IN (SELECT job_id FROM due) ORDER BY id FOR UPDATE SKIP LOCKED
), found AS MATERIALIZED (
    SELECT id FROM events
    WHERE id = ANY(%(ids)s::bigint[]) AND id IN (SELECT id FROM due) AND (
        job_id IS NULL OR job_id IN (SELECT id FROM job)
        OR NOT EXISTS (SELECT FROM transcriptions AS t WHERE t.id = events.job_id)
    )
    ORDER BY id FOR UPDATE SKIP LOCKED
), expired AS (
    UPDATE events SET body = NULL, transaction_id = pg_current_xact_id()
    FROM found WHERE events.id = found.id
    RETURNING events.id, events.job_id, events.sha256
), marked AS (
    UPDATE transcriptions
    SET transcript_expired_at = now(), transaction_id = pg_current_xact_id()
    FROM expired
    WHERE transcriptions.id = expired.job_id AND transcript_sha256 = expired.sha256
), removed_words AS (
    DELETE FROM transcript_index
    USING expired WHERE transcript_index.job_id = expired.job_id
    AND source_sha256 = expired.sha256
)
SELECT (SELECT count(*) FROM expired), ARRAY(SELECT id FROM due EXCEPT SELECT id FROM expired)
"""  # noqa: S608 - made of the constants above


def expire_bodies(batches: Batches, walk: Walk) -> Counts:
    """Expire the bodies of the walk's events; yield the counts of each batch."""
    for window in walk.windows():
        weights = {
            event.id: weight(1, event.body_bytes) for event in window if _is_due(event, walk)
        }
        left = yield from _expire(batches, weights)
        young = {event.id for event in window if event.has_body} - weights.keys()
        walk.leave(window, left | young)


def count_bodies(batches: Batches, walk: Walk) -> Counts:
    """Yield the counts of the bodies that would expire."""
    for window in walk.windows():
        yield Counter(
            bodies=batches.read(_count, [event.id for event in window if _is_due(event, walk)])
        )
        walk.leave(window)


def _is_due(event: Row[Any], walk: Walk) -> bool:
    return bool(event.has_body and event.received_at < walk.cutoff)


def _expire(
    batches: Batches, weights: Mapping[int, int]
) -> Generator[Counter[str], None, set[int]]:
    """Expire the bodies of these events; return the events that stay locked."""
    left = set(weights)
    for _ in attempts(left):
        for ids in batches.split({event: weights[event] for event in sorted(left)}):
            rows = batches.execute(_EXPIRE, ids=ids)
            if rows is not None:
                [(expired, locked)] = rows
                left -= set(ids) - set(locked)
                yield Counter(bodies=expired)

    return left


def _count(connection: Connection, ids: list[int]) -> int:
    return int(connection.execute(_COUNT, {"ids": ids}).scalar_one())
