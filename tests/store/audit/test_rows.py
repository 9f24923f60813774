"""Tests of the list of reads, and of the deletion of expired rows."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, text

from receiver.store.audit.rows import AuditFilter, delete_expired, find_reads
from receiver.store.engine import transactional
from receiver.store.tables import audit
from tests.support.audit_rows import audit_rows

NOON = datetime(2026, 4, 2, 12, tzinfo=UTC)
ROWS = [
    {"reader": reader, "job_id": job, "at": NOON + timedelta(minutes=minute)}
    for minute, (reader, job) in enumerate(
        [("crm", "job1"), ("crm", "job2"), ("bi", "job1"), ("bi", "job2"), ("bi", "job2")]
    )
]


@pytest.fixture
def _stored(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(
            insert(audit), [{**row, "route": "Transcript", "format": "json"} for row in ROWS]
        )


@pytest.mark.usefixtures("_stored")
@pytest.mark.parametrize(
    ("audit_filter", "minutes"),
    [
        (AuditFilter(), [4, 3, 2, 1, 0]),
        (AuditFilter(job="job1"), [2, 0]),
        (AuditFilter(reader="crm"), [1, 0]),
        (AuditFilter(reader="bi", job="job2"), [4, 3]),
        (AuditFilter(since=NOON + timedelta(minutes=3)), [4, 3]),
        (AuditFilter(until=NOON + timedelta(minutes=3)), [2, 1, 0]),
        (AuditFilter(job="unknown"), []),
    ],
)
def test_filter_selects_newest_first(
    engine: Engine, audit_filter: AuditFilter, minutes: list[int]
) -> None:
    """Each filter selects its reads, newest first, from `since` until before `until`."""
    with engine.connect() as connection:
        found = find_reads(connection, audit_filter, limit=10)
        assert [(row.at - NOON) // timedelta(minutes=1) for row in found] == minutes
        assert len(find_reads(connection, audit_filter, limit=1)) == min(1, len(minutes))


@pytest.mark.usefixtures("_stored")
def test_expired_rows_are_deleted_oldest_first(engine: Engine) -> None:
    """Only rows older than the age are deleted, the oldest first, at most `limit` at a time."""
    with engine.connect() as connection:
        connection.execute(text("UPDATE audit SET at = now() WHERE at >= :noon"), {"noon": NOON})
        connection.execute(
            text("UPDATE audit SET at = now() - (id * interval '1 day') WHERE id > 2")
        )
        age = timedelta(days=2, hours=1)
        assert delete_expired(connection, age=age, limit=2) == 2
        assert audit_rows(engine, "id") == [(1,), (2,), (3,)]
        assert delete_expired(connection, age=age, limit=2) == 1
        assert delete_expired(connection, age=age, limit=2) == 0
    assert audit_rows(engine, "id") == [(1,), (2,)]


@pytest.mark.usefixtures("_stored")
def test_rows_that_another_process_deletes_are_left_out(engine: Engine) -> None:
    """Two processes delete different rows, and neither waits for the other."""
    age = timedelta(0)
    with transactional(engine).begin() as first, engine.connect() as second:
        assert delete_expired(first, age=age, limit=2) == 2
        assert delete_expired(second, age=age, limit=2) == 2
    assert audit_rows(engine, "id") == [(5,)]


@pytest.mark.usefixtures("_stored")
@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("job_id = 'job1'", "audit_job"),
        ("reader = 'crm'", "audit_reader"),
        ("at < now()", "audit_pkey"),
    ],
)
def test_each_list_has_an_index(engine: Engine, condition: str, index: str) -> None:
    """The list by job, by reader and by time is read from an index of its own, in its order."""
    with engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off; SET enable_bitmapscan = off"))
        plan = connection.execute(
            text(f"EXPLAIN SELECT * FROM audit WHERE {condition} ORDER BY at DESC, id DESC LIMIT 5")
        ).scalars()
        assert f"Index Scan Backward using {index}" in "\n".join(plan)
        connection.invalidate()  # with the settings of this test
