"""Tests of the statements that read the list of jobs: their number and their plans."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from receiver.store.engine import transactional
from tests.support.callback_events import NOON
from tests.support.job_lists import get_ids, get_list
from tests.support.samples import CONFIGURATION
from tests.support.stored_callbacks import callback, record_callback

RECORDING = "RE" + "0a" * 16
CONVERSATION = "conv_conversation_01k1etx3jbfx88476ccja0889c"

Statements = list[tuple[str, dict[str, object]]]


def test_one_statement_reads_a_page(
    reader: FlaskClient, engine: Engine, statements: Statements
) -> None:
    """A page is one statement, without count, offset, bodies or a query per row."""
    for number in range(5):
        record_callback(engine, callback(f"job{number}", sentences=[]))
    token = get_list(reader, pageSize=2)["meta"]["nextToken"]
    statements.clear()
    assert len(get_ids(reader, pageToken=token)) == 2
    [(statement, _)] = statements
    for word in ("count(", "OFFSET", "events"):
        assert word not in statement


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({}, "newest"),
        ({"status": "FAILED"}, "status"),
        ({"sourceId": RECORDING}, "source"),
        ({"languageCode": "en-US"}, "language"),
        ({"languageCode": "en-US", "createdBefore": "2027-01-01"}, "language"),
        ({"conversationId": CONVERSATION}, "conversation"),
        ({"transcriptionConfigurationId": CONFIGURATION}, "configuration"),
        ({"hasTranscript": "false"}, "without_transcript"),
        ({"createdAfter": "2026-01-01", "createdBefore": "2027-01-01"}, "newest"),
    ],
)
def test_page_is_read_from_an_index_in_order(
    reader: FlaskClient,
    engine: Engine,
    statements: Statements,
    filters: dict[str, str],
    index: str,
) -> None:
    """Postgres reads a page from the filter's index, in either direction, without sorting."""
    for number in range(3):
        record_callback(engine, _job_that_passes_all_filters(f"job{number}"))
    second = get_list(
        reader, pageToken=get_list(reader, **filters, pageSize=1)["meta"]["nextToken"]
    )
    for name, direction in (("nextToken", "Backward"), ("previousToken", "Forward")):
        statements.clear()
        assert len(get_ids(reader, pageToken=second["meta"][name])) == 1
        plan = _plan(engine, *statements[0])
        assert f" transcriptions_{index} " in plan
        assert "sort_at, id)" in plan.partition("Index Cond:")[2]
        assert ("Backward" in plan) == (direction == "Backward")
        assert "Sort" not in plan
        assert "Filter" not in plan


def test_old_jobs_are_selected_without_reading_newer_ones(
    reader: FlaskClient, engine: Engine, statements: Statements
) -> None:
    """A filter that only old jobs pass doesn't read the newer ones, even if it fits half of all."""
    jobs = """
        INSERT INTO transcriptions (id, account_id, status, configuration_id, created_at,
            first_seen_at, key_terminal, key_updated_at, key_source, key_sha256)
        SELECT 'job' || n, 'AC', 'RUNNING', CASE WHEN n <= 5000 THEN 'old' ELSE 'new' END, at,
            at, 0, at, 3, ''
        FROM (SELECT n, timestamptz '2026-01-01' + n * interval '1 minute' AS at
              FROM generate_series(1, 10000) AS n) AS numbered
    """
    with engine.connect() as connection:
        connection.execute(text(jobs))
        connection.execute(text("ANALYZE transcriptions"))
    statements.clear()
    assert get_ids(reader, transcriptionConfigurationId="old", pageSize=2) == ["job5000", "job4999"]
    with engine.connect() as connection:
        explained = f"EXPLAIN (ANALYZE, BUFFERS OFF) {statements[0][0]}"
        plan = "\n".join(connection.exec_driver_sql(explained, statements[0][1]).scalars())
    assert "Removed by Filter" not in plan


def _job_that_passes_all_filters(job: str) -> bytes:
    return callback(
        job,
        status="failed",
        sourceId=RECORDING,
        createdAt=NOON.isoformat(),
        conversationId=CONVERSATION,
        transcriptionConfigurationId=CONFIGURATION,
        resolvedConfiguration={"language": "en-US"},
    )


def _plan(engine: Engine, statement: str, values: dict[str, object]) -> str:
    """Return the plan for a large table; for three rows Postgres would choose another."""
    with transactional(engine).begin() as connection:
        for method in ("seqscan", "bitmapscan", "sort"):
            connection.execute(text(f"SET LOCAL enable_{method} = off"))
        lines = connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars()

        return "\n".join(lines)
