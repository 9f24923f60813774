"""Writes the words of a transcript to the index, and removes them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import DBAPIError

from receiver.store.erasure.holds import HOLDS_LOCK_ID
from receiver.store.execute import execute_pipeline
from receiver.store.sqlstate import PROGRAM_LIMIT_EXCEEDED, state_of
from receiver.store.tables import events, transcript_index

_index = transcript_index.c

# What each of the weights A to D has said.
Texts = tuple[str, str, str, str]


class Entry(NamedTuple):
    """The input of a job's index rows. If it is unchanged, the rows are current."""

    job_id: str
    source_sha256: bytes
    config: str
    sort_at: datetime
    version: int


# The batches of the retention take this lock too: so one of them that removes a job, or this
# transaction, sees what the other has done. A commit that a crash undoes is repeated with the
# progress, which is stored later. So it doesn't wait for the disk.
_FIRST = (
    "SELECT set_config('lock_timeout', '5s', true), set_config('synchronous_commit', 'off', true)",
    f"SELECT pg_advisory_xact_lock({HOLDS_LOCK_ID})",
)

# This lock of the job lets callbacks update it, but erasures and the retention wait. What they have
# changed in the job is seen after waiting for them. Part 0 of a long transcript has no positions.
_WRITE = """
WITH job AS MATERIALIZED (
    SELECT id FROM transcriptions
    WHERE id = %(job_id)s AND transcript_sha256 = %(source_sha256)s
        AND erased_at IS NULL AND transcript_expired_at IS NULL
    FOR KEY SHARE
), made AS MATERIALIZED (
    SELECT number - 1 AS part,
        setweight(to_tsvector(config, a), 'A') || setweight(to_tsvector(config, b), 'B')
        || setweight(to_tsvector(config, c), 'C') || setweight(to_tsvector(config, d), 'D')
        AS vector
    FROM (SELECT CAST(%(config)s::text AS regconfig) AS config) AS chosen,
        unnest(%(a)s::text[], %(b)s::text[], %(c)s::text[], %(d)s::text[])
        WITH ORDINALITY AS texts (a, b, c, d, number)
), removed AS (
    DELETE FROM transcript_index USING job
    WHERE transcript_index.job_id = job.id AND part >= %(parts)s
)
INSERT INTO transcript_index (job_id, part, config, vector, sort_at, source_sha256, version)
SELECT job.id, part, %(config)s,
    CASE WHEN part = 0 AND %(parts)s > 1 THEN strip(vector) ELSE vector END,
    %(sort_at)s, %(source_sha256)s, %(version)s
FROM job, made
ON CONFLICT (job_id, part) DO UPDATE SET
    config = excluded.config, vector = excluded.vector, sort_at = excluded.sort_at,
    source_sha256 = excluded.source_sha256, version = excluded.version
RETURNING job_id
"""


def read_entries(connection: Connection, job_ids: Sequence[str]) -> dict[str, Entry]:
    """Return the input of each job's index rows, for jobs that have rows."""
    columns = [_index[name] for name in Entry._fields]
    statement = select(*columns).where(_index.job_id.in_(job_ids), _index.part == 0)

    return {row.job_id: Entry(*row) for row in connection.execute(statement)}


def read_body(connection: Connection, sha256: bytes) -> bytes | None:
    """Return the body of an event for the index, None if it isn't stored any more.

    It doesn't leave the service, so this read isn't audited.
    """
    body: bytes | None = connection.scalar(select(events.c.body).where(events.c.sha256 == sha256))

    return body


def write_entry(connection: Connection, entry: Entry, parts: Sequence[Texts]) -> bool:
    """Replace the rows of a job, unless its transcript is another one by now, or is gone.

    If there are several parts, the first one has the words of all others. Returns False if there
    are too many words for a vector of Postgres, which is limited to 1 MB. Raises
    sqlalchemy.exc.SQLAlchemyError.
    """
    texts = {
        name: list(column) for name, column in zip("abcd", zip(*parts, strict=True), strict=True)
    }
    try:
        execute_pipeline(
            connection, _FIRST, _WRITE, {**entry._asdict(), **texts, "parts": len(parts)}
        )
    except DBAPIError as error:
        if state_of(error) == PROGRAM_LIMIT_EXCEEDED:
            return False
        raise

    return True


def remove_entry(connection: Connection, job_id: str) -> None:
    """Remove the rows of a job."""
    connection.execute(delete(transcript_index).where(_index.job_id == job_id))
