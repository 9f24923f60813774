"""Tests of `GET /v3/Export`."""

import base64
import csv
import gzip
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from receiver.export.lines import COLUMNS, LAST_ROW
from receiver.services import services_of
from receiver.store.audit.export import PAGE_JOBS
from tests.support.app import Reader
from tests.support.audit_rows import audit_rows
from tests.support.environment import KEY
from tests.support.exporting import (
    erase_job,
    expire_transcript,
    ids_of,
    parse_lines,
    record_jobs,
)
from tests.support.stored_callbacks import callback, json_of, record_callback

PATH = "/v3/Export"
NOTHING = {"jobs": 0, "transcripts": 0, "erased": 0, "expired": 0, "unreadable": 0}


def test_each_job_is_one_line_with_its_sentences(read: Reader, engine: Engine) -> None:
    """A line is the job as the list has it, its cursor, and the sentences of its transcript."""
    record_jobs(engine, 2)
    record_callback(engine, callback("open", status="running", createdAt="2025-01-01T00:00:00Z"))
    response = read(PATH)
    assert response.content_type == "application/x-ndjson"
    jobs, last = parse_lines(response.data)
    listed = json_of(read("/v3/Transcriptions"))["transcriptions"]
    transcripts = [json_of(read(f"/v3/Transcriptions/job00{n}/Transcript")) for n in range(2)]
    sentences = [job.pop("sentences", None) for job in jobs]
    cursors = [job.pop("cursor") for job in jobs]
    assert jobs == listed[::-1]
    assert sentences == [None, *(each["sentences"] for each in transcripts)]
    assert last == NOTHING | {
        "jobs": 3,
        "transcripts": 2,
        "cursor": cursors[-1],
        "complete": True,
    }


def test_erased_jobs_are_left_out_and_counted(read: Reader, engine: Engine) -> None:
    """An erased job has no line; one whose transcript has expired has one without sentences."""
    record_jobs(engine, 4)
    erase_job(engine, "job001")
    expire_transcript(engine, "job002")
    with engine.connect() as connection:
        connection.execute(text("UPDATE events SET body = '[' WHERE job_id = 'job003'"))
    jobs, last = parse_lines(read(PATH).data)
    assert ids_of(jobs) == ["job000", "job002", "job003"]
    assert ["sentences" in job for job in jobs] == [True, False, False]
    counts = {"jobs": 3, "transcripts": 1, "erased": 1, "expired": 1, "unreadable": 1}
    assert last.items() >= (counts | {"complete": True}).items()


def test_each_transcript_leaves_its_row_of_the_audit(read: Reader, engine: Engine) -> None:
    """Each transcript that is read out is audited, and no job without one."""
    record_jobs(engine, 2)
    record_callback(engine, callback("open", status="running"))
    request_id = read(f"{PATH}?format=csv").headers["X-Request-ID"]
    columns = ("job_id", "reader", "route", "format", "status", "request_id", "callback_id")
    assert audit_rows(engine, *columns) == [
        (f"job00{n}", "reader", "Export", "csv", 200, request_id, None) for n in range(2)
    ]


def test_pages_are_limited_in_jobs_and_bytes(read: Reader, engine: Engine) -> None:
    """All jobs are exported once, whether many small ones or large bodies fill the pages."""
    record_jobs(engine, PAGE_JOBS + 1)
    large = [{"text": "word " * 40_000}]
    for number in range(3):
        record_callback(
            engine, callback(f"large{number}", createdAt="2025-05-01T00:00:00Z", sentences=large)
        )
    jobs, last = parse_lines(read(PATH).data)
    expected = [f"job{n:03}" for n in range(PAGE_JOBS + 1)]
    assert sorted(ids_of(jobs)) == sorted([*expected, *(f"large{n}" for n in range(3))])
    assert last["transcripts"] == PAGE_JOBS + 4


@pytest.mark.parametrize("format_name", ["ndjson", "csv"])
def test_export_continues_after_any_line(read: Reader, engine: Engine, format_name: str) -> None:
    """What was received up to any line, and what its cursor gives, are the whole export."""
    record_jobs(engine, 6)
    erase_job(engine, "job003")
    whole = read(f"{PATH}?format={format_name}").data
    lines = whole.splitlines(keepends=True)
    record_callback(engine, callback("newer"), at=datetime.now(UTC))
    for number, line in enumerate(lines[:-1]):
        if line.startswith(b"id,"):
            continue
        cursor = _cursor_of(line)
        rest = read(f"{PATH}?format={format_name}&cursor={cursor}").data
        assert b"".join(lines[: number + 1]) + rest == whole


def _cursor_of(line: bytes) -> str:
    if line.startswith(b"{"):
        return str(json.loads(line)["cursor"])

    return line.decode().strip().rpartition(",")[2]


def test_end_is_fixed_and_period_is_respected(read: Reader, engine: Engine) -> None:
    """CreatedAfter is included, createdBefore is not; the same with the cursor of a line."""
    record_jobs(engine, 8)
    jobs, _ = parse_lines(read(PATH).data)
    after, before = jobs[2]["createdAt"], jobs[6]["createdAt"]
    period = f"{PATH}?createdAfter={after}&createdBefore={before}"
    within, last = parse_lines(read(period).data)
    assert ids_of(within) == ["job002", "job003", "job004", "job005"]
    rest, last_of_rest = parse_lines(read(f"{PATH}?cursor={within[1]['cursor']}").data)
    assert ids_of(rest) == ["job004", "job005"]
    assert last_of_rest == last


def test_csv_has_a_row_for_each_job(read: Reader, engine: Engine) -> None:
    """CSV has the transcript as text; an apostrophe is before what a spreadsheet would compute."""
    participants = [
        {"name": "=cmd()", "address": "+15551234567"},
        {"name": "@x", "address": "-1"},
    ]
    sentences = [{"text": 'He said "a, b"', "participantIndex": 0}, {"text": "Yes."}]
    record_callback(
        engine,
        callback(
            "job",
            participants=participants,
            sentences=sentences,
            createdAt="2025-05-01T00:00:00Z",
            resolvedConfiguration={"languageCode": "en-US"},
        ),
    )
    response = read(f"{PATH}?format=csv")
    assert response.content_type.startswith("text/csv")
    assert response.headers["Content-Disposition"] == 'attachment; filename="transcriptions.csv"'
    head, row, last = csv.reader(io.StringIO(response.text, newline=""))
    assert tuple(head) == COLUMNS
    cells = dict(zip(COLUMNS, row, strict=True))
    assert cells["createdAt"] == "2025-05-01T00:00:00Z"
    assert (cells["participant1Name"], cells["participant1Address"]) == ("'=cmd()", "+15551234567")
    assert (cells["participant2Name"], cells["participant2Address"]) == ("'@x", "'-1")
    assert cells["transcript"] == '\'=cmd(): He said "a, b"\nUnknown speaker: Yes.'
    assert (last[0], len(last)) == (LAST_ROW, len(COLUMNS))
    assert json.loads(last[1]).items() >= {"jobs": 1, "complete": True}.items()


def test_stream_is_compressed_if_the_client_accepts_it(client: FlaskClient, engine: Engine) -> None:
    """Gzip by Accept-Encoding, and the same content."""
    record_jobs(engine, 3)
    plain = client.get(PATH, auth=KEY)
    packed = client.get(PATH, auth=KEY, headers={"Accept-Encoding": "gzip"})
    assert (plain.headers.get("Content-Encoding"), packed.headers["Content-Encoding"]) == (
        None,
        "gzip",
    )
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert ids_of(parse_lines(gzip.decompress(packed.data))[0]) == ids_of(
        parse_lines(plain.data)[0]
    )


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("format=xml", "format"),
        ("cursor=abc", "cursor"),
        ("cursor=eyJ2IjoxfQ", "cursor"),
        ("createdAfter=x", "createdAfter"),
        ("since=2025-01-01", "since"),
    ],
)
def test_invalid_query_is_rejected(read: Reader, query: str, parameter: str) -> None:
    """A parameter that isn't valid, or unknown, is a 400 that names it."""
    response = read(f"{PATH}?{query}")
    assert response.status_code == 400
    assert [error["pointer"] for error in json_of(response)["errors"]] == [f"#/{parameter}"]


@settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(cursor=st.text(alphabet=st.characters(max_codepoint=0x2FF), min_size=1, max_size=60))
def test_no_text_as_cursor_is_an_error_of_the_service(client: FlaskClient, cursor: str) -> None:
    """Any text as a cursor is answered 400."""
    response = client.get(PATH, query_string={"cursor": cursor}, auth=KEY)
    assert response.status_code == 400


def test_cursor_of_a_newer_release_is_gone(read: Reader) -> None:
    """After a rollback, a cursor of the later release is a 410 that says to export again."""
    cursor = base64.urlsafe_b64encode(b'{"v":2}').decode().rstrip("=")
    response = read(f"{PATH}?cursor={cursor}")
    assert response.status_code == 410
    assert "export again without it" in json_of(response)["detail"]


def test_exports_have_few_places(app: Flask, client: FlaskClient, engine: Engine) -> None:
    """Without a free place the answer is 429; a closed response frees its place."""
    record_jobs(engine, 1)
    limit = services_of(app).limits.exports
    taken: list[Any] = []
    while (response := client.get(PATH, auth=KEY, buffered=False)).status_code == 200:
        taken.append(response)
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "30"
    for each in taken:
        each.close()
    assert client.get(PATH, auth=KEY, buffered=True).status_code == 200
    assert client.head(PATH, auth=KEY, buffered=True).status_code == 200
    assert client.get(f"{PATH}?cursor=x", auth=KEY).status_code == 400
    for _ in taken:
        limit.acquire(0)
