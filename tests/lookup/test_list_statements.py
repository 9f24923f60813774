"""Tests of the statements that read the list of jobs: their number and their plans."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from receiver.settings.keys import ApiKey
from receiver.store.engine import transactional
from tests.support.callback_events import NOON
from tests.support.environment import changed_settings
from tests.support.job_lists import get_ids, get_list
from tests.support.samples import ACCOUNT, CONFIGURATION
from tests.support.stored_callbacks import callback, record_callback

RECORDING = "RE" + "0a" * 16
ADDRESS = "+15551234567"
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
    ("filters", "indexes"),
    [
        ({}, ["newest"]),
        ({"status": "FAILED"}, ["status"]),
        ({"sourceId": RECORDING}, ["source"]),
        ({"languageCode": "en-US"}, ["language"]),
        ({"languageCode": "en-US", "createdBefore": "2027-01-01"}, ["language"]),
        ({"conversationId": CONVERSATION}, ["conversation"]),
        ({"transcriptionConfigurationId": CONFIGURATION}, ["configuration"]),
        ({"hasTranscript": "false"}, ["without_transcript"]),
        ({"createdAfter": "2026-01-01", "createdBefore": "2027-01-01"}, ["newest"]),
        ({"participantAddress": ADDRESS}, ["address_1", "address_2"]),
    ],
)
def test_page_is_read_from_an_index_in_order(
    reader: FlaskClient,
    engine: Engine,
    statements: Statements,
    filters: dict[str, str],
    indexes: list[str],
) -> None:
    """Postgres reads a page from the filter's index, in either direction, without sorting more."""
    _assert_read_in_order(reader, engine, statements, filters, indexes)


def test_page_of_an_account_is_read_from_an_index_in_order(
    shared_app: Flask, reader: FlaskClient, engine: Engine, statements: Statements
) -> None:
    """The same holds for the list of a key that is bound to an account."""
    key = ApiKey("other", "other-secret", account=ACCOUNT)  # the reader's
    with changed_settings(shared_app, api_keys=(key,)):
        _assert_read_in_order(reader, engine, statements, {}, ["account"])


def _assert_read_in_order(
    reader: FlaskClient,
    engine: Engine,
    statements: Statements,
    filters: dict[str, str],
    indexes: list[str],
) -> None:
    """Check that a page in the middle is read from these indexes."""
    for number in range(3):
        record_callback(engine, _job_that_passes_all_filters(f"job{number}"))
    second = get_list(
        reader, pageToken=get_list(reader, **filters, pageSize=1)["meta"]["nextToken"]
    )
    for name, direction in (("nextToken", "Backward"), ("previousToken", "Forward")):
        statements.clear()
        assert len(get_ids(reader, pageToken=second["meta"][name])) == 1
        # Before the ranges of several indexes are merged, each is limited to the page.
        _, *ranges = re.split("Index Scan", _plan(engine, *statements[0]))
        assert len(ranges) == len(indexes)
        for index, plan in zip(indexes, ranges, strict=True):
            assert f" transcriptions_{index} " in plan
            assert "sort_at, id)" in plan.partition("Index Cond:")[2]
            assert plan.startswith(" Backward") == (direction == "Backward")
            assert "Sort" not in plan
            # What the range before has already, the next one leaves out.
            assert ("Filter" in plan) == (index != indexes[0])


@pytest.fixture
def ten_thousand_jobs(engine: Engine) -> None:
    """Store jobs of which the older half has another configuration and another address."""
    jobs = """
        INSERT INTO transcriptions (id, account_id, status, configuration_id, created_at,
            updated_at, received_at, first_seen_at, participants,
            key_terminal, key_updated_at, key_source, key_sha256)
        SELECT 'job' || n, 'AC', 'RUNNING', age, at,
            updated_at, updated_at, at, jsonb_build_array(jsonb_build_object('address', age)),
            0, at, 3, ''
        FROM (SELECT n, timestamptz '2026-01-01' + n * interval '1 minute' AS at,
                  timestamptz '2026-01-01' + (n + CASE n WHEN 7 THEN 20000 ELSE 1 END)
                      * interval '1 minute' AS updated_at,
                  CASE WHEN n <= 5000 THEN 'old' ELSE 'new' END AS age
              FROM generate_series(1, 10000) AS n) AS numbered
    """
    with engine.connect() as connection:
        connection.execute(text(jobs))
        connection.execute(text("ANALYZE transcriptions"))


@pytest.mark.usefixtures("ten_thousand_jobs")
@pytest.mark.parametrize("name", ["transcriptionConfigurationId", "participantAddress"])
def test_old_jobs_are_selected_without_reading_newer_ones(
    reader: FlaskClient, engine: Engine, statements: Statements, name: str
) -> None:
    """A filter that only old jobs pass doesn't read the newer ones, even if it fits half of all."""
    assert get_ids(reader, **{name: "old"}, pageSize=2) == ["job5000", "job4999"]
    assert "Removed by Filter" not in _executed_plan(engine, *statements[-1])


@pytest.mark.usefixtures("ten_thousand_jobs")
@pytest.mark.parametrize("name", ["updated", "received"])
def test_few_new_jobs_are_selected_without_reading_the_others(
    reader: FlaskClient, engine: Engine, statements: Statements, name: str
) -> None:
    """If few jobs are new by their update or receipt, no page of them reads the other jobs."""
    after = {f"{name}After": "2026-01-07T21:22:00Z"}  # the newest 80 jobs and an old one
    first = get_list(reader, **after, pageSize=80)
    for token in (None, first["meta"]["nextToken"]):
        query = {**after, "pageSize": 80} if token is None else {"pageToken": token}
        ids = get_ids(reader, **query)
        plan = _executed_plan(engine, *statements[-1])
        assert f" transcriptions_{name} " in plan
        assert sum(map(int, re.findall("Removed by Filter: ([0-9]+)", plan))) <= 80
    assert ids == ["job7"]


def _executed_plan(engine: Engine, statement: str, values: dict[str, object]) -> str:
    with engine.connect() as connection:
        explained = f"EXPLAIN (ANALYZE, BUFFERS OFF) {statement}"

        return "\n".join(connection.exec_driver_sql(explained, values).scalars())


def _job_that_passes_all_filters(job: str) -> bytes:
    return callback(
        job,
        status="failed",
        sourceId=RECORDING,
        createdAt=NOON.isoformat(),
        conversationId=CONVERSATION,
        transcriptionConfigurationId=CONFIGURATION,
        resolvedConfiguration={"language": "en-US"},
        participants=[{"address": ADDRESS}],
    )


def _plan(engine: Engine, statement: str, values: dict[str, object]) -> str:
    """Return the plan for a large table; for three rows Postgres would choose another."""
    with transactional(engine).begin() as connection:
        for method in ("seqscan", "bitmapscan", "sort"):
            connection.execute(text(f"SET LOCAL enable_{method} = off"))
        lines = connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars()

        return "\n".join(lines)
