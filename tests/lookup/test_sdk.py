"""Tests that Twilio's Python SDK, unchanged, reads this API over HTTP."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from twilio.base.exceptions import TwilioException, TwilioServiceException
from twilio.rest import Client
from twilio.rest.voice.v3.transcription import TranscriptionList

from tests.support.callback_events import NOON
from tests.support.recipe import RECIPE, ReceiverHttpClient
from tests.support.samples import ACCOUNT, ENVELOPE, JOB
from tests.support.stored_callbacks import callback, record_callback


@pytest.fixture
def transcriptions(sdk: Client) -> TranscriptionList:
    """Return the SDK's list of jobs."""
    return sdk.voice.v3.transcriptions


@pytest.fixture
def seven_jobs(engine: Engine) -> list[str]:
    """Store seven jobs and return their ids, newest first; the even ones are failed."""
    for number in range(7):
        status = "completed" if number % 2 else "failed"
        created = (NOON + timedelta(minutes=number)).isoformat()
        record_callback(engine, callback(f"job{number}", status=status, createdAt=created))

    return [f"job{number}" for number in reversed(range(7))]


def test_fetch_returns_the_job(transcriptions: TranscriptionList, engine: Engine) -> None:
    """`fetch()` returns the operation and the job's dict, with Twilio's names."""
    record_callback(engine, ENVELOPE)
    fetched = transcriptions(JOB).fetch()
    assert (fetched.operation_id, fetched.status) == (JOB, "COMPLETED")
    assert fetched.status_url == fetched.transcription["url"]
    assert fetched.transcription["transcriptionConfigurationId"].startswith("voice_")
    assert fetched.transcription["resolvedConfiguration"]["speechModel"] == "nova-3"


def test_fetch_with_http_info_has_retry_after(
    transcriptions: TranscriptionList, engine: Engine
) -> None:
    """`fetch_with_http_info()` has Retry-After while the job is running."""
    record_callback(engine, callback("job", status="running"))
    response = transcriptions("job").fetch_with_http_info()
    assert response.status_code == 200
    assert int(response.headers["Retry-After"]) > 0


def test_unknown_job_raises_a_service_exception(transcriptions: TranscriptionList) -> None:
    """`fetch()` of an unknown job raises Twilio's exception for problem documents, with 20404."""
    with pytest.raises(TwilioServiceException) as error:
        transcriptions("job").fetch()
    assert (error.value.status, error.value.code) == (404, 20404)


def test_list_returns_typed_jobs(transcriptions: TranscriptionList, engine: Engine) -> None:
    """`list()` returns jobs with datetimes and all properties."""
    record_callback(engine, ENVELOPE)
    [job] = transcriptions.list()
    assert (job.id, job.account_id, job.status, job.duration) == (JOB, ACCOUNT, "COMPLETED", 22)
    assert job.created_at == datetime(2026, 4, 2, 19, 25, 20, tzinfo=UTC)
    assert job.audio_started_at == datetime(2026, 3, 10, 19, 42, 16, tzinfo=UTC)
    assert job.participants[0]["name"] == "Jane Doe"
    assert job.links["conversation"].startswith("https://conversations.twilio.com/")


def test_list_reads_all_pages(transcriptions: TranscriptionList, seven_jobs: list[str]) -> None:
    """`list(page_size=2)` follows the tokens to the end."""
    assert [job.id for job in transcriptions.list(page_size=2)] == seven_jobs


def test_stream_stops_at_its_limit(
    transcriptions: TranscriptionList, seven_jobs: list[str]
) -> None:
    """`stream(limit=5)` returns five jobs from pages of two."""
    assert [job.id for job in transcriptions.stream(limit=5, page_size=2)] == seven_jobs[:5]


def test_limit_above_the_largest_page(transcriptions: TranscriptionList, engine: Engine) -> None:
    """`list(limit=120)` requests a page of 120, gets pages of 100, and returns 120 jobs."""
    for number in range(130):
        record_callback(engine, callback(f"job{number:03}"))
    listed = [job.id for job in transcriptions.list(limit=120)]
    assert listed == [f"job{number:03}" for number in range(129, 9, -1)]
    assert transcriptions.page(page_size=120).page_size == 100


def test_filters_apply_to_every_page(
    transcriptions: TranscriptionList, seven_jobs: list[str]
) -> None:
    """The SDK's filters apply to every page."""
    filtered = transcriptions.list(
        status="FAILED",
        created_after=NOON + timedelta(minutes=2),
        created_before=NOON + timedelta(minutes=6),
        page_size=1,
    )
    assert [job.id for job in filtered] == [seven_jobs[2], seven_jobs[4]]


def test_pages_in_both_directions(transcriptions: TranscriptionList, seven_jobs: list[str]) -> None:
    """`next_page()` and `previous_page()` return the same pages."""
    first = transcriptions.page(page_size=3)
    second = first.next_page()
    third = second.next_page()
    assert third.next_page() is None
    assert [job.id for job in third] == seven_jobs[6:]
    previous = third.previous_page()
    assert [job.id for job in previous] == [job.id for job in second] == seven_jobs[3:6]
    again = previous.previous_page()
    assert [job.id for job in again] == seven_jobs[:3]
    assert again.previous_page() is None


def test_http_info_lists_keep_their_filters(
    transcriptions: TranscriptionList, seven_jobs: list[str]
) -> None:
    """The `…_with_http_info` lists send only the token from page 2 on, and keep their filters."""
    listed = transcriptions.list_with_http_info(status="FAILED", page_size=2)
    assert [job.id for job in listed.data] == seven_jobs[::2]
    streamed, status, _ = transcriptions.stream_with_http_info(status="FAILED", page_size=3)
    assert [job.id for job in streamed] == seven_jobs[::2]
    assert status == 200


def test_http_info_pages_in_both_directions(
    transcriptions: TranscriptionList, seven_jobs: list[str]
) -> None:
    """`page_with_http_info()` works with a token, which it sends in two spellings."""
    first = transcriptions.page_with_http_info(page_size=3, page_number=0).data
    token = first.next_token
    second = transcriptions.page_with_http_info(page_token=token, page_number=1).data
    assert [job.id for job in second] == seven_jobs[3:6]
    assert [job.id for job in second.previous_page()] == seven_jobs[:3]


def test_invalid_filter_raises_a_plain_exception(transcriptions: TranscriptionList) -> None:
    """The SDK raises a plain TwilioException for any error of a list."""
    with pytest.raises(TwilioException, match="Unable to fetch page"):
        transcriptions.list(source_id="RE-not-lower-case-hex")


def test_documented_recipe_works(
    origin: str, seven_jobs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The recipe of the documents prints the jobs, with the URL and the key filled in."""
    filled_in = re.sub(r'"https://[^"]*"', f'"{origin}"', RECIPE)
    filled_in = re.sub(r'Client\("[^"]*", "[^"]*"', 'Client("dev", "dev-secret"', filled_in)
    names: dict[str, Any] = {}
    exec(filled_in, names)
    names["http_client"].session.close()
    assert set(capsys.readouterr().out.split()) & set(seven_jobs) == set(seven_jobs[1::2])


def test_wrong_key_is_401(origin: str) -> None:
    """A wrong secret is a 401: the SDK's user name and password are the key's name and secret."""
    http_client = ReceiverHttpClient(origin)
    wrong_client = Client("dev", "other-secret", http_client=http_client)
    with pytest.raises(TwilioServiceException) as error:
        wrong_client.voice.v3.transcriptions("job").fetch()
    http_client.session.close()
    assert (error.value.status, error.value.code) == (401, 20003)


@pytest.mark.parametrize("location", [{}, {"region": "ie1"}, {"region": "au1", "edge": "sydney"}])
def test_key_is_sent_only_to_the_receiver(origin: str, location: dict[str, str]) -> None:
    """All requests go to the receiver with their path and query, for any region of the SDK."""
    urls: list[str] = []
    hooks = {"response": [lambda response, **_: urls.append(response.url)]}
    http_client = ReceiverHttpClient(f"{origin}/", request_hooks=hooks)
    client = Client("dev", "dev-secret", http_client=http_client, **location)
    client.voice.v3.transcriptions.list(status="FAILED")
    http_client.session.close()
    assert urls == [f"{origin}/v3/Transcriptions?status=FAILED"]
