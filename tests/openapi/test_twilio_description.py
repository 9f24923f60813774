"""Tests that the answers are as Twilio's own description of its API says."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from receiver.web.problems import problem_document
from tests.support.app import Reader
from tests.support.environment import KEY
from tests.support.samples import COMPLETED, ENVELOPE, FAILED, JOB
from tests.support.stored_callbacks import json_of, record_callback
from tests.support.twilio_description import assert_as_described


@pytest.fixture
def stored_jobs(engine: Engine) -> None:
    """Store the jobs of Twilio's samples."""
    for body in (COMPLETED, FAILED, ENVELOPE):
        record_callback(engine, body)


@pytest.mark.usefixtures("stored_jobs")
def test_job_is_as_twilio_describes_it(read: Reader) -> None:
    """A fetched job is as Twilio describes it, before and after its end."""
    for job in (JOB, "voice_transcription_4abcde1234567890abcde12345"):
        assert_as_described("Operation", json_of(read(f"/v3/Transcriptions/{job}")))


@pytest.mark.usefixtures("stored_jobs")
def test_list_is_as_twilio_describes_it(read: Reader) -> None:
    """A list is as Twilio describes it; `pageSize` is the number of jobs on the page."""
    listed = json_of(read("/v3/Transcriptions"))
    assert_as_described("TranscriptionList", listed)
    assert listed["meta"]["pageSize"] == len(listed["transcriptions"]) == 2
    page = json_of(read("/v3/Transcriptions?pageSize=1"))
    assert_as_described("TranscriptionList", page)
    token = page["meta"]["nextToken"]
    assert_as_described("TranscriptionList", json_of(read(f"/v3/Transcriptions?pageToken={token}")))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v3/Transcriptions?status=x&pageSize=0&sourceId=x&hasTranscript=x", 400),
        ("GET", "/v3/Transcriptions?createdAfter=x&languageCode=&languageCode=&pageToken=x", 400),
        ("GET", f"/v3/Transcriptions?%FF=1&{'x' * 200}=1&a/b~c=1&%23=1&%20=1", 400),
        ("GET", "/v3/Transcriptions/unknown", 404),
        ("GET", "/v3/Transcriptions/a.b", 404),
        ("GET", "/v3/Unknown", 404),
        ("PUT", "/v3/Transcriptions", 405),
        ("POST", "/v3/Transcriptions", 403),
        ("POST", "/callbacks/transcription", 403),
        ("GET", f"/v3/Transcriptions/{JOB}/Transcript", 406),
    ],
)
@pytest.mark.usefixtures("stored_jobs")
def test_problem_is_as_twilio_describes_it(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    """A problem document is as Twilio describes it, with pointers as URI fragments."""
    response = client.open(path, method=method, auth=KEY, headers={"Accept": "image/png"})
    assert response.status_code == status
    assert_as_described("Problem", json_of(response))


def test_missing_key_is_as_twilio_describes_it(app: Flask) -> None:
    """The 401 without a key is as Twilio describes it."""
    assert_as_described("Problem", json_of(app.test_client().get("/v3/Transcriptions")))


@pytest.mark.parametrize("status", range(400, 512))
def test_problem_of_any_status_is_as_twilio_describes_it(status: int) -> None:
    """The problem of any status has a title that is long enough, and a detail that is cut."""
    error = {"detail": "y" * 5000, "pointer": ""}
    problem = problem_document(status, "x" * 5000, errors=[error])
    assert_as_described("Problem", problem)
    assert problem["errors"][0]["pointer"] == "#"


@pytest.mark.parametrize(
    ("status", "page"), [(404, "20404"), (422, "20422"), (406, None), (502, None)]
)
def test_type_is_a_page_of_a_code_that_twilio_has(status: int, page: str | None) -> None:
    """The type leads to the page of Twilio's code; it is about:blank if Twilio has no such code."""
    url = f"https://www.twilio.com/docs/api/errors/{page}" if page else "about:blank"
    assert problem_document(status, "A detail of this problem.")["type"] == url
