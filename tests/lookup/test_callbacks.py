"""Tests of a job's callbacks: the list, and the exact bytes."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, update

from receiver.store.event import Outcome
from receiver.store.tables import events
from schemas.listing import OUTCOMES
from tests.support.callback_events import NOON
from tests.support.stored_callbacks import callback, json_of, record_callback

URL = "/v3/Transcriptions/job/Callbacks"
RUNNING, COMPLETED, UNREADABLE = (
    callback("job", status=status) for status in ("running", "completed", "?")
)


def _get(reader: FlaskClient, path: str = URL) -> dict[str, Any]:
    response = reader.get(path)
    assert response.status_code == 200

    return json_of(response)


def test_each_distinct_body_is_listed(reader: FlaskClient, engine: Engine) -> None:
    """Each body is listed, newest first, with outcome, deliveries, digest and length."""
    for minute, body in enumerate([COMPLETED, RUNNING, UNREADABLE, COMPLETED]):
        record_callback(engine, body, at=NOON + timedelta(minutes=minute))
    listed = _get(reader)
    assert listed["meta"] == {"key": "callbacks", "pageSize": len(listed["callbacks"])}
    assert [
        (each["outcome"], each["reason"], each["deliveries"]) for each in listed["callbacks"]
    ] == [
        ("quarantined", "invalid", 1),
        ("stale", None, 1),
        ("applied", None, 2),
    ]
    last = listed["callbacks"][2]
    assert last["receivedAt"] == "2026-04-02T12:00:00Z"
    assert last["sha256"] == hashlib.sha256(COMPLETED).hexdigest()
    assert last["bytes"] == len(COMPLETED)
    assert last.keys() == {
        *("id", "receivedAt", "outcome", "reason", "deliveries", "sha256", "bytes")
    }


def test_schema_has_every_outcome() -> None:
    """The list's schema allows exactly the outcomes of an event."""
    assert set(OUTCOMES) == set(Outcome)


def test_other_jobs_and_other_sources_are_not_listed(reader: FlaskClient, engine: Engine) -> None:
    """The list has only this job's callbacks, and no fetched events."""
    record_callback(engine, RUNNING)
    record_callback(engine, COMPLETED)
    record_callback(engine, callback("other"))
    digest = hashlib.sha256(RUNNING).digest()
    with engine.connect() as connection:
        connection.execute(update(events).where(events.c.sha256 == digest).values(source="fetch"))
    assert [each["bytes"] for each in _get(reader)["callbacks"]] == [len(COMPLETED)]


def test_quarantined_callback_is_listed_without_a_job(reader: FlaskClient, engine: Engine) -> None:
    """A quarantined callback is listed under the job it names, even if that job is unknown."""
    record_callback(engine, UNREADABLE)
    assert [each["outcome"] for each in _get(reader)["callbacks"]] == ["quarantined"]
    assert reader.get("/v3/Transcriptions/job").status_code == 404


def test_unknown_job_has_no_list(reader: FlaskClient) -> None:
    """The list of an unknown job without callbacks is a 404."""
    assert reader.get(URL).status_code == 404


def test_pages_in_both_directions(reader: FlaskClient, engine: Engine) -> None:
    """Each callback is on one page in both directions, also those of the same time."""
    for number in range(5):
        record_callback(
            engine,
            callback("job", duration=number),
            at=NOON + timedelta(minutes=number // 3),
        )
    ids = [each["id"] for each in _get(reader)["callbacks"]]
    assert len(ids) == 5
    pages = [_get(reader, f"{URL}?pageSize=2")]
    for _ in range(2):
        token = pages[-1]["meta"]["nextToken"]
        pages.append(_get(reader, f"{URL}?pageToken={token}"))
    assert "nextToken" not in pages[2]["meta"]
    assert [[each["id"] for each in page["callbacks"]] for page in pages] == [
        ids[:2],
        ids[2:4],
        ids[4:],
    ]
    previous_page = _get(reader, f"{URL}?pageToken={pages[2]['meta']['previousToken']}")
    assert previous_page["callbacks"] == pages[1]["callbacks"]
    first = _get(reader, f"{URL}?pageToken={previous_page['meta']['previousToken']}")
    assert first["callbacks"] == pages[0]["callbacks"]
    assert "previousToken" not in first["meta"]


def test_token_belongs_to_its_list(reader: FlaskClient, engine: Engine) -> None:
    """A token is invalid for another job's callbacks, and between callbacks and jobs."""
    for job in ("job", "other"):
        for number in range(2):
            record_callback(engine, callback(job, duration=number))
    token = _get(reader, f"{URL}?pageSize=1")["meta"]["nextToken"]
    jobs_token = _get(reader, "/v3/Transcriptions?pageSize=1")["meta"]["nextToken"]
    for path in (
        f"/v3/Transcriptions/other/Callbacks?pageToken={token}",
        f"/v3/Transcriptions?pageToken={token}",
        f"{URL}?pageToken={jobs_token}",
    ):
        assert reader.get(path).status_code == 400


def test_body_is_returned_byte_for_byte(reader: FlaskClient, engine: Engine) -> None:
    """A body is returned byte for byte, as a download that browsers don't display."""
    body = b'\xef\xbb\xbf  {"id": "job",\r\n "accountId": "\\ud800", "<script>": "\\u0000"}\n'
    record_callback(engine, body[3:])
    [listed] = _get(reader)["callbacks"]
    response = reader.get(f"{URL}/{listed['id']}/Body")
    assert response.data == body[3:]
    assert response.content_type == "application/octet-stream"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    disposition = f'attachment; filename="job-{listed["id"]}"'
    assert response.headers["Content-Disposition"] == disposition
    assert response.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    "callback_id",
    ["0", "-1", "01x", "x", "1.0", "%31%00", "9223372036854775808", "9" * 20, "9" * 5000, "%D9%A1"],
)
def test_invalid_callback_id_is_404(reader: FlaskClient, engine: Engine, callback_id: str) -> None:
    """Any text that isn't a callback's id is a 404 problem."""
    record_callback(engine, RUNNING)
    response = reader.get(f"{URL}/{callback_id}/Body")
    assert (response.status_code, response.content_type) == (404, "application/problem+json")


def test_body_belongs_to_its_job(reader: FlaskClient, engine: Engine) -> None:
    """A body under another job's URL is a 404."""
    record_callback(engine, RUNNING)
    record_callback(engine, callback("other"))
    [listed] = _get(reader)["callbacks"]
    path = f"/v3/Transcriptions/other/Callbacks/{listed['id']}/Body"
    assert reader.get(path).status_code == 404


def test_erased_body_is_404(reader: FlaskClient, engine: Engine) -> None:
    """An erased body is a 404, and its callback stays in the list."""
    record_callback(engine, RUNNING)
    with engine.connect() as connection:
        connection.execute(update(events).values(body=None))
    [listed] = _get(reader)["callbacks"]
    assert reader.get(f"{URL}/{listed['id']}/Body").status_code == 404
