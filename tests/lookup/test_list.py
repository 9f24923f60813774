"""The list of jobs: its shape, its filters, and what it costs."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from receiver.store.engine import transactional
from tests.support.callback_events import NOON
from tests.support.stored_callbacks import ACCOUNT, callback, json_of, record_callback

RECORDING = "RE" + "0a" * 16
CONFIGURATION = "voice_transcriptionconfiguration_5pe8jw3ahdmsh7zr06yh4d45x1"
CONVERSATION = "conv_conversation_01k1etx3jbfx88476ccja0889c"

Statements = list[tuple[str, dict[str, object]]]


def _get(reader: FlaskClient, **parameters: Any) -> dict[str, Any]:
    response = reader.get(f"/v3/Transcriptions?{urlencode(parameters)}")
    assert response.status_code == 200

    return json_of(response)


def _ids(reader: FlaskClient, **parameters: Any) -> list[str]:
    return [job["id"] for job in _get(reader, **parameters)["transcriptions"]]


def _faults(reader: FlaskClient, query: str) -> list[str]:
    response = reader.get(f"/v3/Transcriptions?{query}")
    assert (response.status_code, response.content_type) == (400, "application/problem+json")
    problem = json_of(response)
    assert problem["code"] == 20001

    return [fault["pointer"] for fault in problem["errors"]]


def test_the_shape_is_twilios(reader: FlaskClient, engine: Engine) -> None:
    """The jobs are under the key that `meta` names; without further pages there are no tokens."""
    record_callback(engine, callback("job"))
    listed = _get(reader)
    assert listed["meta"] == {"key": "transcriptions", "pageSize": 50}
    [job] = listed["transcriptions"]
    assert job == json_of(reader.get("/v3/Transcriptions/job"))["transcription"]
    assert (job["accountId"], job["status"]) == (ACCOUNT, "COMPLETED")


def test_an_empty_list_is_a_list(reader: FlaskClient) -> None:
    """Without jobs there is one page, without rows and tokens."""
    meta = {"key": "transcriptions", "pageSize": 50}
    assert _get(reader) == {"transcriptions": [], "meta": meta}


def test_the_newest_comes_first(reader: FlaskClient, engine: Engine) -> None:
    """By `createdAt`, else by when we first heard of it, and by `id` among equals."""
    record_callback(
        engine, callback("b", createdAt="2026-04-02T12:00:00Z"), at=NOON + timedelta(days=9)
    )
    record_callback(engine, callback("a", createdAt="2026-04-02T12:00:00Z"))
    record_callback(engine, callback("heard"), at=NOON + timedelta(minutes=1))
    record_callback(
        engine, callback("late", createdAt="2026-04-02T11:59:59Z"), at=NOON + timedelta(days=9)
    )
    assert _ids(reader) == ["heard", "b", "a", "late"]


@pytest.fixture
def three(engine: Engine) -> None:
    """Put three jobs in, a minute apart, that differ in every property there is a filter for."""
    record_callback(engine, callback("running", status="running", createdAt=NOON.isoformat()))
    record_callback(
        engine,
        callback(
            "full",
            createdAt=(NOON + timedelta(minutes=1)).isoformat(),
            sourceId=RECORDING,
            transcriptionConfigurationId=CONFIGURATION,
            conversationId=CONVERSATION,
            resolvedConfiguration={"language": "en-US"},
            sentences=[{"text": "Hello."}],
        ),
    )
    record_callback(
        engine,
        callback("german", status="failed", resolvedConfiguration={"language": "de-DE"}),
        at=NOON + timedelta(minutes=2),
    )


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("status", "COMPLETED", ["full"]),
        ("status", "completed", ["full"]),
        ("status", "PENDING", []),
        ("sourceId", RECORDING, ["full"]),
        ("sourceId", "RE" + "0" * 32, []),
        ("createdAfter", "2026-04-02T12:01:00Z", ["german", "full"]),
        ("createdAfter", "2026-04-02T14:01:00+02:00", ["german", "full"]),
        ("createdAfter", "2026-04-02T12:01:00.000001", ["german"]),
        ("createdAfter", "2026-04-02", ["german", "full", "running"]),
        ("createdAfter", "9999-12-31T23:59:59Z", []),
        ("createdBefore", "2026-04-02T12:01:00Z", ["running"]),
        ("createdBefore", "0001-01-01T00:00:00Z", []),
        ("languageCode", "en-US", ["full"]),
        ("languageCode", "en-us", []),
        ("languageCode", "ü", []),
        ("conversationId", CONVERSATION, ["full"]),
        ("conversationId", "%", []),
        ("transcriptionConfigurationId", CONFIGURATION, ["full"]),
        ("hasTranscript", "true", ["full"]),
        ("hasTranscript", "false", ["german", "running"]),
        ("hasTranscript", False, ["german", "running"]),
    ],
)
def test_each_filter_narrows_the_list(
    reader: FlaskClient, name: str, value: object, expected: list[str]
) -> None:
    """A filter leaves the jobs that pass it; `createdAfter` is inclusive, `createdBefore` not."""
    assert _ids(reader, **{name: value}) == expected


@pytest.mark.usefixtures("three")
def test_filters_add_up(reader: FlaskClient) -> None:
    """A job must pass all of them."""
    assert _ids(reader, status="COMPLETED", hasTranscript="true", languageCode="en-US") == ["full"]
    assert _ids(reader, status="COMPLETED", languageCode="de-DE") == []


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("status=DONE", ["/status"]),
        ("status=", ["/status"]),
        ("sourceId=RE" + "0A" * 16, ["/sourceId"]),
        ("sourceId=" + RECORDING + "%0A", ["/sourceId"]),
        ("sourceId=CA" + "0a" * 16, ["/sourceId"]),
        ("createdAfter=yesterday", ["/createdAfter"]),
        ("createdAfter=2026-04-02T12:00:00+02:00", ["/createdAfter"]),
        ("createdAfter=0001-01-01T00:00:00%2B14:00", ["/createdAfter"]),
        ("createdBefore=9999-12-31T23:59:59-14:00", ["/createdBefore"]),
        ("createdBefore=99999-01-01T00:00:00Z", ["/createdBefore"]),
        ("languageCode=%00", ["/languageCode"]),
        ("languageCode=", ["/languageCode"]),
        ("languageCode=" + "e" * 129, ["/languageCode"]),
        ("conversationId=a%00b", ["/conversationId"]),
        ("transcriptionConfigurationId=%00", ["/transcriptionConfigurationId"]),
        ("hasTranscript=1", ["/hasTranscript"]),
        ("hasTranscript=yes", ["/hasTranscript"]),
        ("status=FAILED&status=FAILED", ["/status"]),
        ("status=FAILED&status=COMPLETED", ["/status"]),
        ("pageSize=0&hasTranscript=", ["/pageSize", "/hasTranscript"]),
        ("pageSize=2&PageSize=3", ["/pageSize"]),
        ("PageSize=2&PageSize=2", ["/pageSize"]),
        ("PageSize=0", ["/pageSize"]),
        ("PageToken=x", ["/pageToken"]),
        ("pageToken=" + "x" * 4097, ["/pageToken"]),
    ],
)
def test_what_is_not_valid_is_pointed_at(
    reader: FlaskClient, query: str, pointers: list[str]
) -> None:
    """A 400 problem names each parameter that can't be used, in one answer."""
    assert _faults(reader, query) == pointers


@pytest.mark.parametrize(
    "size", ["0", "-1", "00", "", "x", "1.0", "1e2", "%2B5", "+5", "1_0", "0x10", "%D9%A5", "5%0A"]
)
def test_a_page_size_is_a_positive_number(reader: FlaskClient, size: str) -> None:
    """Whatever else Python would read as a number is a 400."""
    assert _faults(reader, f"pageSize={size}") == ["/pageSize"]


@pytest.mark.parametrize(
    ("asked", "effective"), [("1", 1), ("007", 7), ("100", 100), ("101", 100), ("9" * 5000, 100)]
)
def test_a_large_page_size_is_clamped(reader: FlaskClient, asked: str, effective: int) -> None:
    """`meta.pageSize` reports the size that was taken."""
    assert _get(reader, pageSize=asked)["meta"]["pageSize"] == effective
    assert _get(reader, PageSize=asked)["meta"]["pageSize"] == effective


def test_what_is_unknown_is_ignored(reader: FlaskClient, engine: Engine) -> None:
    """`Page`, which the SDK sends, and names that nobody knows change nothing, even repeated."""
    record_callback(engine, callback("job"))
    response = reader.get("/v3/Transcriptions?Page=7&Page=8&utm=%00&utm=1&%FF=1")
    assert response.status_code == 200
    assert len(json_of(response)["transcriptions"]) == 1


def test_one_statement_reads_a_page(
    reader: FlaskClient, engine: Engine, statements: Statements
) -> None:
    """A page is one statement: no count, no offset, no body, no more per row."""
    for number in range(5):
        record_callback(engine, callback(f"job{number}", sentences=[]))
    token = _get(reader, pageSize=2)["meta"]["nextToken"]
    statements.clear()
    assert len(_ids(reader, pageToken=token)) == 2
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
def test_an_index_holds_each_page_in_its_order(
    reader: FlaskClient,
    engine: Engine,
    statements: Statements,
    filters: dict[str, str],
    index: str,
) -> None:
    """Postgres reads a page off the filter's index, either way, and neither sorts nor sifts."""
    for number in range(3):
        record_callback(engine, _job_that_passes_all_filters(f"job{number}"))
    second = _get(reader, pageToken=_get(reader, **filters, pageSize=1)["meta"]["nextToken"])
    for name, direction in (("nextToken", "Backward"), ("previousToken", "Forward")):
        statements.clear()
        assert len(_ids(reader, pageToken=second["meta"][name])) == 1
        plan = _plan(engine, *statements[0])
        assert f" transcriptions_{index} " in plan
        assert "sort_at, id)" in plan.partition("Index Cond:")[2]
        assert ("Backward" in plan) == (direction == "Backward")
        assert "Sort" not in plan
        assert "Filter" not in plan


def test_what_only_old_jobs_have_is_found_at_once(
    reader: FlaskClient, engine: Engine, statements: Statements
) -> None:
    """Half of all jobs have it, but Postgres doesn't read through the newer half to find them."""
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
    assert _ids(reader, transcriptionConfigurationId="old", pageSize=2) == ["job5000", "job4999"]
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
    """Return how Postgres would read a large table; what it does with three rows is beside it."""
    with transactional(engine).begin() as connection:
        for method in ("seqscan", "bitmapscan", "sort"):
            connection.execute(text(f"SET LOCAL enable_{method} = off"))
        lines = connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars()

        return "\n".join(lines)
