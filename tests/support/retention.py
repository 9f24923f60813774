"""What the tests of the retention share: old events, and passes."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from receiver.privacy.retention import Retention, retain
from receiver.store.event import Event
from tests.support.store_events import make_event

NOW = datetime.now(UTC)
# Bodies are kept for ten days, the rest for thirty.
RETENTION = Retention(bodies=timedelta(days=10), metadata=timedelta(days=30))
_NONE = timedelta()
REMOVE_ALL = Retention(bodies=_NONE, metadata=_NONE, audit=_NONE, tombstones=_NONE)

_SEED = """
INSERT INTO transcriptions (id, account_id, status, first_seen_at, received_at, ended_at,
    created_at, updated_at, transcript_sha256, transcript_source, sentences,
    key_terminal, key_updated_at, key_source, key_sha256)
SELECT 'job_' || lpad(n::text, 9, '0'), 'AC' || repeat('a', 32), 'COMPLETED', at, at, at, at,
    at, digest, 'callback', 5, 1, at, 3, digest
FROM generate_series(1, :jobs) AS n, LATERAL (
    SELECT sha256(n::text::bytea) AS digest, CAST(:at AS timestamptz) + n * interval '1 ms' AS at
) AS given;
"""
_SEED_EVENTS = """
INSERT INTO events (sha256, source, job_id, account_id, head, body, body_bytes, received_at,
    last_received_at, outcome)
SELECT key_sha256, 'callback', id, account_id,
    jsonb_build_object('id', id, 'account_id', account_id, 'status', status, 'sentences', 5),
    convert_to(repeat(id, 50), 'UTF8'), 650, received_at,
    received_at, 'applied'
FROM transcriptions ORDER BY id
"""


def days_ago(days: float) -> datetime:
    """Return the time this many days before the tests began."""
    return NOW - timedelta(days=days)


def old_event(job: str, *, days: float, source: str = "callback", **head: Any) -> Event:
    """Return an event of a completed job that was received this many days ago."""
    event = make_event({"status": "COMPLETED", **head}, job=job, source=source)

    return replace(event, received_at=days_ago(days))


def seed(engine: Engine, jobs: int, *, days: float) -> None:
    """Store this many jobs, each with a callback that was received this many days ago."""
    with engine.connect() as connection:
        connection.execute(text(_SEED), {"jobs": jobs, "at": days_ago(days)})
        connection.execute(text(_SEED_EVENTS))


def run_pass(engine: Engine, retention: Retention = RETENTION) -> Counter[str]:
    """Run a pass, and return what it removed."""
    return +sum(retain(engine, retention), Counter())


def rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def execute(engine: Engine, statement: str) -> None:
    """Execute a statement."""
    with engine.connect() as connection:
        connection.execute(text(statement))


def count_all(engine: Engine, *tables: str) -> int:
    """Return how many rows the tables have together."""
    return sum(rows(engine, f"SELECT count(*) FROM {table}")[0][0] for table in tables)
