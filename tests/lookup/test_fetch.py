"""Tests of fetching one job."""

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.support.callback_events import NOON
from tests.support.environment import changed_settings
from tests.support.paths import ROOT
from tests.support.samples import COMPLETED, ENVELOPE, JOB
from tests.support.stored_callbacks import callback, json_of, record_callback

URL = f"http://localhost/v3/Transcriptions/{JOB}"

Statements = list[tuple[str, dict[str, object]]]


def _fetch(reader: FlaskClient, job: str) -> dict[str, Any]:
    response = reader.get(f"/v3/Transcriptions/{job}")
    assert response.status_code == 200

    return json_of(response)


def test_envelope_is_twilios(reader: FlaskClient, engine: Engine) -> None:
    """A job that came in Twilio's envelope is returned in it, with all its members."""
    record_callback(engine, ENVELOPE)
    original, returned = json.loads(ENVELOPE), _fetch(reader, JOB)
    assert returned.keys() == original.keys()
    assert returned["statusUrl"] == URL
    changed = {"url", "links", "receivedAt", "transcript"}
    assert returned["transcription"].keys() == original["transcription"].keys() | changed
    for name in original["transcription"].keys() - changed:
        assert returned["transcription"][name] == original["transcription"][name]


def test_documents_show_a_job_as_it_is(reader: FlaskClient, engine: Engine) -> None:
    """The job in docs/reading.md is what the service returns for Twilio's sample."""
    record_callback(engine, COMPLETED)
    text = json.dumps(_fetch(reader, JOB)["transcription"])
    job = json.loads(text.replace("http://localhost", "https://your-app.example.com"))
    page = (ROOT / "docs" / "reading.md").read_text()
    [example] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert json.loads(example) | {"receivedAt": job["receivedAt"]} == job


def test_urls_are_ours_except_the_conversation(reader: FlaskClient, engine: Engine) -> None:
    """`url`, `statusUrl` and `links` lead to this service, except the conversation's."""
    record_callback(engine, ENVELOPE)
    job = _fetch(reader, JOB)["transcription"]
    assert job["url"] == URL
    assert job["links"]["transcript"] == f"{URL}/Transcript"
    assert job["links"]["callbacks"] == f"{URL}/Callbacks"
    assert job["links"]["conversation"].startswith("https://conversations.twilio.com/")


def test_urls_begin_with_public_url(shared_app: Flask, reader: FlaskClient, engine: Engine) -> None:
    """The URLs begin with PUBLIC_URL, with its prefix and without its password."""
    record_callback(engine, callback("job"))
    public_url = "https://user:pass@example.com/twilio"
    with changed_settings(shared_app, public_url=public_url):
        fetched = _fetch(reader, "job")
    assert fetched["statusUrl"] == "https://example.com/twilio/v3/Transcriptions/job"


@pytest.mark.parametrize(
    ("proto", "scheme"), [("https", "https"), ("http, https", "https"), ("gopher", "http")]
)
def test_scheme_is_from_the_nearest_proxy(
    reader: FlaskClient, engine: Engine, proto: str, scheme: str
) -> None:
    """Without PUBLIC_URL, the scheme is the last valid value of X-Forwarded-Proto."""
    record_callback(engine, callback("job"))
    response = reader.get("/v3/Transcriptions/job", headers={"X-Forwarded-Proto": proto})
    assert json_of(response)["statusUrl"] == f"{scheme}://localhost/v3/Transcriptions/job"


def test_additions_describe_the_transcript(reader: FlaskClient, engine: Engine) -> None:
    """`receivedAt` is the time of the first callback, and `transcript` describes its content."""
    record_callback(engine, callback("job", sentences=[{"text": "Hello."}]), at=NOON)
    job = _fetch(reader, "job")["transcription"]
    assert job["receivedAt"] == "2026-04-02T12:00:00Z"
    assert job["transcript"] == {"available": True, "sentences": 1, "source": "callback"}


@pytest.mark.parametrize("value", [10**20, 1.5, "\u00fc\U0001f600", [[]]])
def test_resolved_configuration_is_unchanged(
    reader: FlaskClient, engine: Engine, value: Any
) -> None:
    """Unknown members are returned unchanged, beyond 64 bits and beyond ASCII too."""
    record_callback(engine, callback("job", resolvedConfiguration={"new": value}))
    assert _fetch(reader, "job")["transcription"]["resolvedConfiguration"] == {"new": value}


def test_times_are_utc_and_whole_seconds(reader: FlaskClient, engine: Engine) -> None:
    """A time with an offset and a fraction is returned in the form that the SDK reads."""
    record_callback(engine, callback("job", createdAt="2026-04-02T21:25:20.987654+02:00"))
    assert _fetch(reader, "job")["transcription"]["createdAt"] == "2026-04-02T19:25:20Z"


def test_unknown_values_are_null_or_absent(reader: FlaskClient, engine: Engine) -> None:
    """Unknown properties are null, or absent if Twilio describes them as optional."""
    record_callback(engine, callback("job", status="failed"))
    job = _fetch(reader, "job")["transcription"]
    assert job["conversationId"] is job["mediaUrl"] is job["duration"] is job["createdAt"] is None
    assert job["transcript"] == {"available": False, "sentences": None}
    optional = {"participants", "audioStartedAt", "resolvedConfiguration"}
    assert not optional & job.keys()
    assert job["links"].keys() == {"transcript", "callbacks"}


@pytest.mark.parametrize(
    ("status", "is_unfinished"),
    [("pending", True), ("running", True), ("completed", False), ("failed", False)],
)
def test_unfinished_job_has_retry_after(
    reader: FlaskClient, engine: Engine, status: str, *, is_unfinished: bool
) -> None:
    """A response has Retry-After only while the job is unfinished."""
    record_callback(engine, callback("job", status=status))
    response = reader.get("/v3/Transcriptions/job")
    assert ("Retry-After" in response.headers) == is_unfinished


def test_etag_changes_with_the_job(reader: FlaskClient, engine: Engine) -> None:
    """A request with the current ETag gets a 304 without a body, until the job changes."""
    record_callback(engine, callback("job", status="running"))
    first = reader.get("/v3/Transcriptions/job")
    if_none_match = {"If-None-Match": first.headers["ETag"]}
    again = reader.get("/v3/Transcriptions/job", headers=if_none_match)
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Retry-After"] == first.headers["Retry-After"]
    record_callback(engine, callback("job", status="completed"))
    changed = reader.get("/v3/Transcriptions/job", headers=if_none_match)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize("if_none_match", ["*", "W/{tag}", '"other", {tag}'])
def test_if_none_match_accepts_every_form(
    reader: FlaskClient, engine: Engine, if_none_match: str
) -> None:
    """`*`, a weak ETag and one of several match (RFC 9110, 13.1.2)."""
    record_callback(engine, callback("job"))
    tag = reader.get("/v3/Transcriptions/job").headers["ETag"]
    headers = {"If-None-Match": if_none_match.format(tag=tag)}
    assert reader.get("/v3/Transcriptions/job", headers=headers).status_code == 304


def test_head_is_get_without_the_body(reader: FlaskClient, engine: Engine) -> None:
    """HEAD returns the headers of GET, with its length, and no body."""
    record_callback(engine, callback("job"))
    request_id = {"X-Request-ID": "same"}
    got = reader.get("/v3/Transcriptions/job", headers=request_id)
    head = reader.head("/v3/Transcriptions/job", headers=request_id)
    assert (head.status_code, head.data, head.headers) == (200, b"", got.headers)


def test_responses_are_private_and_a_404_is_not_cached(reader: FlaskClient, engine: Engine) -> None:
    """A client may cache a job if it revalidates, and must not cache a 404."""
    record_callback(engine, callback("job"))
    known, missing = (reader.get(f"/v3/Transcriptions/{job}") for job in ("job", "other"))
    assert known.headers["Cache-Control"] == "private, no-cache"
    assert (missing.status_code, missing.headers["Cache-Control"]) == (404, "no-store")
    assert reader.get("/v3/nothing").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "job", ["%00", "a%00", "a.b", "%F0%9F%8E%A7", "%ED%A0%80", "%FF", "a" * 129, "a%0A", "%2e%2e"]
)
@pytest.mark.parametrize("rest", ["", "/Transcript", "/Callbacks", "/Callbacks/1/Body"])
def test_impossible_id_is_404_without_a_query(
    reader: FlaskClient, statements: Statements, job: str, rest: str
) -> None:
    """An id that no job can have is a 404 problem, without a query to the database."""
    response = reader.get(f"/v3/Transcriptions/{job}{rest}")
    assert (response.status_code, response.content_type) == (404, "application/problem+json")
    assert not statements


def test_one_statement_fetches_a_job(
    reader: FlaskClient, engine: Engine, statements: Statements
) -> None:
    """A fetch is one statement, which reads no body."""
    record_callback(engine, callback("job", sentences=[]))
    statements.clear()
    _fetch(reader, "job")
    [(statement, _)] = statements
    assert "events" not in statement
