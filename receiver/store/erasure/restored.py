"""Finds what tombstones match in a database that was restored from before the erasures."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, TextClause, select, text

from receiver.runtime.deadline import Deadline
from receiver.store.erasure.batches import Report, read_batches
from receiver.store.erasure.tombstones import (
    HASHED_KINDS,
    IS_HASHED,
    Tombstone,
    read_key,
    tombstone_key,
)
from receiver.store.retry import query
from receiver.store.tables import tombstones

_BATCH_ROWS = 1000
_TIMEOUT_SECONDS = 60.0

# Jobs by their ids. Of a job that has expired, the retention removes everything again.
_JOBS = text("""
SELECT key, erased_at, EXISTS (
    SELECT FROM transcriptions WHERE id = job_id AND transcriptions.erased_at IS NULL
) OR EXISTS (
    SELECT FROM events WHERE events.job_id = tombstone.job_id COLLATE "default"
    AND events.erased_at IS NULL AND source <> 'erasure'
) OR job_id IN (SELECT job_id COLLATE "C" FROM rejected)
  OR job_id IN (
    SELECT s.job_id FROM submissions AS s WHERE request <> '' AND s.job_id IS NOT NULL)
  AS is_found
FROM (
    SELECT key, erased_at, split_part(key, ':', 2) COLLATE "C" AS job_id FROM tombstones
    WHERE key LIKE 'job:%' AND erasure_id IS NOT NULL AND key > :after ORDER BY key LIMIT :rows
) AS tombstone ORDER BY key
""")
_DIGESTS = text("""
SELECT key, events.id AS is_found FROM (
    SELECT key FROM tombstones
    WHERE key LIKE 'sha256:%' AND erasure_id IS NOT NULL AND key > :after ORDER BY key LIMIT :rows
) AS tombstone
LEFT JOIN events ON events.sha256 = decode(substr(key, 8), 'hex') AND events.erased_at IS NULL
ORDER BY key
""")

# Rows with values that may match a hash: a key, the job, when it began, and a document.
SOURCES = {
    "transcriptions": """
        SELECT id AS key, id AS job_id, sort_at AS began_at,
               jsonb_build_array(participants, conversation_id)::text AS document
        FROM transcriptions WHERE erased_at IS NULL AND id > COALESCE(:after, '')""",
    "ledger": """
        SELECT id AS key, job_id, COALESCE((head ->> 'created_at')::timestamptz, received_at)
                   AS began_at,
               jsonb_build_array(head -> 'participants', head -> 'conversation_id')::text
                   AS document
        FROM events WHERE erased_at IS NULL AND head IS NOT NULL AND source <> 'erasure'
        AND id > COALESCE(:after, 0)""",
    "quarantine": """
        SELECT id AS key, job_id, received_at AS began_at, body AS document
        FROM events WHERE outcome = 'quarantined' AND erased_at IS NULL AND body IS NOT NULL
        AND id > COALESCE(:after, 0)""",
    "submissions": """
        SELECT idempotency_key AS key, job_id, created_at AS began_at, request AS document
        FROM submissions WHERE request <> '' AND idempotency_key > COALESCE(:after, '')""",
    "rejected requests": """
        SELECT id AS key, job_id, received_at AS began_at, body AS document
        FROM rejected WHERE id > COALESCE(:after, 0)""",
}


class Found(NamedTuple):
    """A row that a tombstone of an address or a conversation matches."""

    key: Any
    job_id: str | None
    erased_at: datetime


def erased_jobs(engine: Engine, report: Report) -> Iterator[Tombstone]:
    """Yield the tombstones of jobs of which something is stored."""
    for rows in _read(engine, _JOBS, first=""):
        yield from (Tombstone(row.key, row.erased_at) for row in rows if row.is_found)
        report("tombstones", len(rows))


def erased_events(engine: Engine, report: Report) -> Iterator[int]:
    """Yield the ids of events of which a tombstone has the digest."""
    for rows in _read(engine, _DIGESTS, first=""):
        yield from (row.is_found for row in rows if row.is_found is not None)
        report("tombstones", len(rows))


class HashedTombstones:
    """The tombstones of addresses and conversations, and what matches them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._key, self._tombstones = query(engine, Deadline(_TIMEOUT_SECONDS), _read_hashed)

    def find(self, source: str, report: Report) -> Iterator[Found]:
        """Yield the rows of a source with a matching string, of jobs that began before."""
        if not self._tombstones:
            return
        statement = text(f"{SOURCES[source]} ORDER BY key LIMIT :rows")
        for rows in _read(self._engine, statement, first=None):
            for row in rows:
                erased_at = self._erased_at(row.document)
                if erased_at is not None and row.began_at < erased_at:
                    yield Found(row.key, row.job_id, erased_at)
            report(source, len(rows))

    def _erased_at(self, document: str | bytes) -> datetime | None:
        """Return since when a string of the document is erased, None if none is."""
        try:
            strings = set(_strings(json.loads(document)))
        except (ValueError, RecursionError):  # nothing can be compared with a hash
            return None
        keys = (tombstone_key(kind, each, self._key) for each in strings for kind in HASHED_KINDS)

        return max((self._tombstones[key] for key in keys if key in self._tombstones), default=None)


def _read_hashed(connection: Connection) -> tuple[bytes, Mapping[str, datetime]]:
    statement = select(tombstones.c.key, tombstones.c.erased_at).where(IS_HASHED)

    return read_key(connection), {row.key: row.erased_at for row in connection.execute(statement)}


def _strings(value: Any) -> Iterator[str]:
    """Yield all strings of a JSON document."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            if each.isprintable():  # a lone surrogate has no bytes
                yield each
        elif isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _read(engine: Engine, statement: TextClause, *, first: Any) -> Iterator[Sequence[Row[Any]]]:
    """Yield the statement's rows in batches, in the order of their keys."""

    def read(connection: Connection, after: Any) -> Sequence[Row[Any]]:
        return connection.execute(statement, {"after": after, "rows": _BATCH_ROWS}).all()

    return read_batches(engine, read, batch_rows=_BATCH_ROWS, first=first)
