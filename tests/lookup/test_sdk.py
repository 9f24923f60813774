"""Twilio's own Python SDK reads this API unchanged, over HTTP."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from twilio.base.exceptions import TwilioException, TwilioServiceException
from twilio.rest import Client
from twilio.rest.voice.v3.transcription import TranscriptionList

from tests.support.callback_events import NOON
from tests.support.paths import ROOT
from tests.support.recipe import RECIPE, ReceiverHttpClient
from tests.support.stored_callbacks import ACCOUNT, callback, record_callback

ENVELOPED = ROOT / "tests" / "samples" / "fetch_envelope.json"
JOB = "voice_transcription_7n7hnd7sf68yfv5re42nvvz7aa"


@pytest.fixture
def transcriptions(sdk: Client) -> TranscriptionList:
    """Return the SDK's list of jobs."""
    return sdk.voice.v3.transcriptions


@pytest.fixture
def seven(engine: Engine) -> list[str]:
    """Put seven jobs in and return their ids, newest first; the even ones are failed."""
    for number in range(7):
        status = "completed" if number % 2 else "failed"
        created = (NOON + timedelta(minutes=number)).isoformat()
        record_callback(engine, callback(f"job{number}", status=status, createdAt=created))

    return [f"job{number}" for number in reversed(range(7))]


def test_fetch_gives_the_job(transcriptions: TranscriptionList, engine: Engine) -> None:
    """`fetch()` fills the operation and the dict of the job, in Twilio's spelling."""
    record_callback(engine, ENVELOPED.read_bytes())
    fetched = transcriptions(JOB).fetch()
    assert (fetched.operation_id, fetched.status) == (JOB, "COMPLETED")
    assert fetched.status_url == fetched.transcription["url"]
    assert fetched.transcription["transcriptionConfigurationId"].startswith("voice_")
    assert fetched.transcription["resolvedConfiguration"]["speechModel"] == "nova-3"


def test_fetch_with_http_info_tells_when_to_ask_again(
    transcriptions: TranscriptionList, engine: Engine
) -> None:
    """`fetch_with_http_info()` carries Retry-After while the job is running."""
    record_callback(engine, callback("job", status="running"))
    response = transcriptions("job").fetch_with_http_info()
    assert response.status_code == 200
    assert int(response.headers["Retry-After"]) > 0


def test_a_missing_job_is_a_service_exception(transcriptions: TranscriptionList) -> None:
    """`fetch()` of an unknown job raises Twilio's exception for problem documents, with 20404."""
    with pytest.raises(TwilioServiceException) as caught:
        transcriptions("job").fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)


def test_a_list_gives_typed_jobs(transcriptions: TranscriptionList, engine: Engine) -> None:
    """`list()` gives jobs whose times are datetimes and whose properties are all filled."""
    record_callback(engine, ENVELOPED.read_bytes())
    [job] = transcriptions.list()
    assert (job.id, job.account_id, job.status, job.duration) == (JOB, ACCOUNT, "COMPLETED", 22)
    assert job.created_at == datetime(2026, 4, 2, 19, 25, 20, tzinfo=UTC)
    assert job.audio_started_at == datetime(2026, 3, 10, 19, 42, 16, tzinfo=UTC)
    assert job.participants[0]["name"] == "Jane Doe"
    assert job.links["conversation"].startswith("https://conversations.twilio.com/")


def test_a_list_goes_through_all_pages(transcriptions: TranscriptionList, seven: list[str]) -> None:
    """`list(page_size=2)` follows the tokens to the end."""
    assert [job.id for job in transcriptions.list(page_size=2)] == seven


def test_a_stream_stops_at_its_limit(transcriptions: TranscriptionList, seven: list[str]) -> None:
    """`stream(limit=5)` gives five jobs out of pages of two."""
    assert [job.id for job in transcriptions.stream(limit=5, page_size=2)] == seven[:5]


def test_a_limit_above_the_largest_page_works(
    transcriptions: TranscriptionList, engine: Engine
) -> None:
    """`list(limit=120)` asks for a page of 120, gets pages of 100, and 120 jobs in the end."""
    for number in range(130):
        record_callback(engine, callback(f"job{number:03}"))
    listed = [job.id for job in transcriptions.list(limit=120)]
    assert listed == [f"job{number:03}" for number in range(129, 9, -1)]
    assert transcriptions.page(page_size=120).page_size == 100


def test_filters_narrow_the_list(transcriptions: TranscriptionList, seven: list[str]) -> None:
    """The SDK's filters arrive in their spelling, and hold on every page."""
    found = transcriptions.list(
        status="FAILED",
        created_after=NOON + timedelta(minutes=2),
        created_before=NOON + timedelta(minutes=6),
        page_size=1,
    )
    assert [job.id for job in found] == [seven[2], seven[4]]


def test_pages_turn_both_ways(transcriptions: TranscriptionList, seven: list[str]) -> None:
    """`next_page()` and `previous_page()` go forth and back over the same pages."""
    first = transcriptions.page(page_size=3)
    second = first.next_page()
    third = second.next_page()
    assert third.next_page() is None
    assert [job.id for job in third] == seven[6:]
    back = third.previous_page()
    assert [job.id for job in back] == [job.id for job in second] == seven[3:6]
    again = back.previous_page()
    assert [job.id for job in again] == seven[:3]
    assert again.previous_page() is None


def test_http_info_lists_keep_their_filters(
    transcriptions: TranscriptionList, seven: list[str]
) -> None:
    """The `…_with_http_info` lists send the token alone from page 2 on, and lose nothing."""
    listed = transcriptions.list_with_http_info(status="FAILED", page_size=2)
    assert [job.id for job in listed.data] == seven[::2]
    streamed, status, _ = transcriptions.stream_with_http_info(status="FAILED", page_size=3)
    assert [job.id for job in streamed] == seven[::2]
    assert status == 200


def test_http_info_pages_turn_both_ways(
    transcriptions: TranscriptionList, seven: list[str]
) -> None:
    """`page_with_http_info()` takes a token, which it sends in two spellings, and a page number."""
    first = transcriptions.page_with_http_info(page_size=3, page_number=0).data
    token = first.next_token
    second = transcriptions.page_with_http_info(page_token=token, page_number=1).data
    assert [job.id for job in second] == seven[3:6]
    assert [job.id for job in second.previous_page()] == seven[:3]


def test_a_bad_list_is_a_bare_exception(transcriptions: TranscriptionList) -> None:
    """The SDK makes no more than a TwilioException of a list's error, whatever it says."""
    with pytest.raises(TwilioException, match="Unable to fetch page"):
        transcriptions.list(source_id="RE-not-lower-case-hex")


def test_the_recipe_of_the_documents_works(
    origin: str, seven: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Pasted as it stands, with the address and the key filled in, it prints the jobs."""
    filled_in = re.sub(r'"https://[^"]*"', f'"{origin}"', RECIPE)
    filled_in = re.sub(r'Client\("[^"]*", "[^"]*"', 'Client("dev", "dev-secret"', filled_in)
    names: dict[str, Any] = {}
    exec(filled_in, names)
    names["http_client"].session.close()
    assert set(capsys.readouterr().out.split()) & set(seven) == set(seven[1::2])


def test_a_wrong_key_is_refused(origin: str) -> None:
    """The SDK's user name and password are the API key's name and secret."""
    http_client = ReceiverHttpClient(origin)
    impostor = Client("dev", "other-secret", http_client=http_client)
    with pytest.raises(TwilioServiceException) as caught:
        impostor.voice.v3.transcriptions("job").fetch()
    http_client.session.close()
    assert (caught.value.status, caught.value.code) == (401, 20003)


@pytest.mark.parametrize("place", [{}, {"region": "ie1"}, {"region": "au1", "edge": "sydney"}])
def test_the_key_is_sent_to_no_other_host(origin: str, place: dict[str, str]) -> None:
    """Whatever host the SDK has in mind, the receiver is asked, under the same path and query."""
    asked: list[str] = []
    hooks = {"response": [lambda response, **_: asked.append(response.url)]}
    http_client = ReceiverHttpClient(f"{origin}/", request_hooks=hooks)
    client = Client("dev", "dev-secret", http_client=http_client, **place)
    client.voice.v3.transcriptions.list(status="FAILED")
    http_client.session.close()
    assert asked == [f"{origin}/v3/Transcriptions?status=FAILED"]
