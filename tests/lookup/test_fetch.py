"""Fetching one job."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.support.callback_events import NOON
from tests.support.environment import changed_settings
from tests.support.paths import ROOT
from tests.support.stored_callbacks import callback, json_of, record_callback

SAMPLES = ROOT / "tests" / "samples"
JOB = "voice_transcription_7n7hnd7sf68yfv5re42nvvz7aa"
URL = f"http://localhost/v3/Transcriptions/{JOB}"

Statements = list[tuple[str, dict[str, object]]]


def _fetch(reader: FlaskClient, job: str) -> dict[str, Any]:
    response = reader.get(f"/v3/Transcriptions/{job}")
    assert response.status_code == 200

    return json_of(response)


def test_the_envelope_is_twilios(reader: FlaskClient, engine: Engine) -> None:
    """A job that came in Twilio's own envelope goes out in it, all its members included."""
    sample = (SAMPLES / "fetch_envelope.json").read_bytes()
    record_callback(engine, sample)
    twilios, ours = json.loads(sample), _fetch(reader, JOB)
    assert ours.keys() == twilios.keys()
    assert ours["statusUrl"] == URL
    changed = {"url", "links", "receivedAt", "transcript"}
    assert ours["transcription"].keys() == twilios["transcription"].keys() | changed
    for name in twilios["transcription"].keys() - changed:
        assert ours["transcription"][name] == twilios["transcription"][name]


def test_the_addresses_are_ours_but_for_the_conversation(
    reader: FlaskClient, engine: Engine
) -> None:
    """Whoever follows `url`, `statusUrl` or `links` asks here; the conversation is at Twilio."""
    record_callback(engine, (SAMPLES / "fetch_envelope.json").read_bytes())
    job = _fetch(reader, JOB)["transcription"]
    assert job["url"] == URL
    assert job["links"]["transcript"] == f"{URL}/Transcript"
    assert job["links"]["callbacks"] == f"{URL}/Callbacks"
    assert job["links"]["conversation"].startswith("https://conversations.twilio.com/")


def test_public_url_is_the_origin_of_the_addresses(
    shared_app: Flask, reader: FlaskClient, engine: Engine
) -> None:
    """With PUBLIC_URL set the addresses begin with it, with its prefix, without its password."""
    record_callback(engine, callback("job"))
    public_url = "https://user:pass@example.com/twilio"
    with changed_settings(shared_app, public_url=public_url):
        found = _fetch(reader, "job")
    assert found["statusUrl"] == "https://example.com/twilio/v3/Transcriptions/job"


@pytest.mark.parametrize(
    ("proto", "scheme"), [("https", "https"), ("http, https", "https"), ("gopher", "http")]
)
def test_the_nearest_proxy_tells_the_scheme(
    reader: FlaskClient, engine: Engine, proto: str, scheme: str
) -> None:
    """Without PUBLIC_URL the last value of X-Forwarded-Proto counts, if it is one of the two."""
    record_callback(engine, callback("job"))
    response = reader.get("/v3/Transcriptions/job", headers={"X-Forwarded-Proto": proto})
    assert json_of(response)["statusUrl"] == f"{scheme}://localhost/v3/Transcriptions/job"


def test_additions_tell_of_the_transcript(reader: FlaskClient, engine: Engine) -> None:
    """`receivedAt` is when the first callback came, `transcript` what it brought."""
    record_callback(engine, callback("job", sentences=[{"text": "Hello."}]), at=NOON)
    job = _fetch(reader, "job")["transcription"]
    assert job["receivedAt"] == "2026-04-02T12:00:00Z"
    assert job["transcript"] == {"available": True, "sentences": 1, "source": "callback"}


@pytest.mark.parametrize("value", [10**20, 1.5, "\u00fc\U0001f600", [[]]])
def test_what_twilio_configures_goes_out_as_it_came(
    reader: FlaskClient, engine: Engine, value: Any
) -> None:
    """Members that nobody knows keep their values, beyond 64 bits and beyond ASCII too."""
    record_callback(engine, callback("job", resolvedConfiguration={"new": value}))
    assert _fetch(reader, "job")["transcription"]["resolvedConfiguration"] == {"new": value}


def test_times_are_utc_and_whole_seconds(reader: FlaskClient, engine: Engine) -> None:
    """A time with an offset and a fraction goes out as the SDK can read it."""
    record_callback(engine, callback("job", createdAt="2026-04-02T21:25:20.987654+02:00"))
    assert _fetch(reader, "job")["transcription"]["createdAt"] == "2026-04-02T19:25:20Z"


def test_what_is_unknown_is_null_or_absent_as_with_twilio(
    reader: FlaskClient, engine: Engine
) -> None:
    """Nullable properties are null; those that Twilio describes as optional are left out."""
    record_callback(engine, callback("job", status="failed"))
    job = _fetch(reader, "job")["transcription"]
    assert job["conversationId"] is job["mediaUrl"] is job["duration"] is job["createdAt"] is None
    assert job["transcript"] == {"available": False, "sentences": None}
    optional = {"participants", "audioStartedAt", "resolvedConfiguration"}
    assert not optional & job.keys()
    assert job["links"].keys() == {"transcript", "callbacks"}


@pytest.mark.parametrize(
    ("status", "waits"),
    [("pending", True), ("running", True), ("completed", False), ("failed", False)],
)
def test_an_unfinished_job_says_when_to_ask_again(
    reader: FlaskClient, engine: Engine, status: str, *, waits: bool
) -> None:
    """Retry-After is there while the job is not over, and not after."""
    record_callback(engine, callback("job", status=status))
    response = reader.get("/v3/Transcriptions/job")
    assert ("Retry-After" in response.headers) == waits


def test_the_etag_changes_with_the_job(reader: FlaskClient, engine: Engine) -> None:
    """What a client holds is answered 304 without a body, until the job changes."""
    record_callback(engine, callback("job", status="running"))
    first = reader.get("/v3/Transcriptions/job")
    held = {"If-None-Match": first.headers["ETag"]}
    again = reader.get("/v3/Transcriptions/job", headers=held)
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Retry-After"] == first.headers["Retry-After"]
    record_callback(engine, callback("job", status="completed"))
    changed = reader.get("/v3/Transcriptions/job", headers=held)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize("held", ["*", "W/{tag}", '"other", {tag}'])
def test_if_none_match_takes_every_form(reader: FlaskClient, engine: Engine, held: str) -> None:
    """Any ETag, a weak one and one among several are matched (RFC 9110, 13.1.2)."""
    record_callback(engine, callback("job"))
    tag = reader.get("/v3/Transcriptions/job").headers["ETag"]
    headers = {"If-None-Match": held.format(tag=tag)}
    assert reader.get("/v3/Transcriptions/job", headers=headers).status_code == 304


def test_head_is_get_without_the_body(reader: FlaskClient, engine: Engine) -> None:
    """HEAD has the headers of GET, its length among them."""
    record_callback(engine, callback("job"))
    got = reader.get("/v3/Transcriptions/job")
    head = reader.head("/v3/Transcriptions/job")
    assert (head.status_code, head.data, head.headers) == (200, b"", got.headers)


def test_answers_are_private_and_a_missing_job_is_not_kept(
    reader: FlaskClient, engine: Engine
) -> None:
    """A client may keep what it read and must ask again; a 404 it must not keep."""
    record_callback(engine, callback("job"))
    there, missing = (reader.get(f"/v3/Transcriptions/{job}") for job in ("job", "other"))
    assert there.headers["Cache-Control"] == "private, no-cache"
    assert (missing.status_code, missing.headers["Cache-Control"]) == (404, "no-store")
    assert reader.get("/v3/nothing").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "job", ["%00", "a%00", "a.b", "%F0%9F%8E%A7", "%ED%A0%80", "%FF", "a" * 129, "a%0A", "%2e%2e"]
)
@pytest.mark.parametrize("rest", ["", "/Transcript", "/Callbacks", "/Callbacks/1/Body"])
def test_no_id_breaks_anything(
    reader: FlaskClient, statements: Statements, job: str, rest: str
) -> None:
    """An id that no job can have is a 404 problem, and the database is not asked."""
    response = reader.get(f"/v3/Transcriptions/{job}{rest}")
    assert (response.status_code, response.content_type) == (404, "application/problem+json")
    assert not statements


def test_one_statement_fetches_a_job(
    reader: FlaskClient, engine: Engine, statements: Statements
) -> None:
    """A fetch is one statement, and touches no body."""
    record_callback(engine, callback("job", sentences=[]))
    statements.clear()
    _fetch(reader, "job")
    [(statement, _)] = statements
    assert "events" not in statement
