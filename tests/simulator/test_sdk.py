"""Twilio's own SDK as the simulator's client: how it reads each response."""

from datetime import UTC, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.rest import Client
from twilio.rest.voice.v3.transcription import TranscriptionList

from receiver.simulator.configurations import (
    CALLBACK_ONLY,
    CONVERSATION_CONFIGURATION,
    WITH_CONVERSATION,
)
from receiver.simulator.simulator import Simulator
from tests.support.samples import ACCOUNT
from tests.support.simulator.account import BY_RECORDING, BY_URL, NOWHERE, recording

NOON = datetime(2026, 4, 2, 19, 25, 20, tzinfo=UTC)
Request = TranscriptionList.CreateV3TranscriptionsRequest


def test_create(sdk: Client) -> None:
    """`create()` of either kind returns the status, the URL to poll, and the job as a dict."""
    for document in (BY_RECORDING, BY_URL):
        created = sdk.voice.v3.transcriptions.create(Request(document))
        assert created.status == "PENDING"
        assert created.status_url.endswith(created.transcription["id"])
        assert created.transcription["participants"] == document["participants"]


def test_create_with_a_key(sdk: Client) -> None:
    """Two calls of `create(…, idempotency_key=…)` create one job."""
    answers = [
        sdk.voice.v3.transcriptions.create_with_http_info(Request(BY_RECORDING), "one")
        for _ in range(2)
    ]
    assert len({answer.headers["Operation-Id"] for answer in answers}) == 1
    assert {answer.status_code for answer in answers} == {202}


def test_refused_create_raises(sdk: Client) -> None:
    """The SDK raises a problem document as its exception, with Twilio's code."""
    wrong = Request({**BY_RECORDING, "sourceId": "RE1"})
    with pytest.raises(TwilioServiceException) as caught:
        sdk.voice.v3.transcriptions.create(wrong)
    assert (caught.value.status, caught.value.code) == (400, 17502)
    assert caught.value.errors[0]["pointer"] == "#/sourceId"


def test_fetch(sdk: Client, simulator: Simulator) -> None:
    """`fetch()` returns operation and job; `fetch_with_http_info()` returns `Retry-After` too."""
    job = simulator.create(BY_RECORDING)
    request = sdk.voice.v3.transcriptions(job.id)
    assert request.fetch_with_http_info().headers["Retry-After"] == "1"
    simulator.finish()
    fetched = request.fetch()
    assert (fetched.operation_id, fetched.status) == (job.id, "COMPLETED")
    assert fetched.transcription["duration"] == job.duration_seconds


def test_unknown_job_raises(sdk: Client) -> None:
    """`fetch()` of an unknown job raises 20404."""
    with pytest.raises(TwilioServiceException) as caught:
        sdk.voice.v3.transcriptions("voice_transcription_x").fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)


def test_list_and_stream(sdk: Client, job_ids: list[str]) -> None:
    """`list()` and `stream()` follow the tokens, with and without `…_with_http_info`."""
    jobs = sdk.voice.v3.transcriptions
    assert [job.id for job in jobs.list(page_size=2)] == job_ids
    assert [job.id for job in jobs.stream(page_size=3, limit=5)] == job_ids[:5]
    assert [job.id for job in jobs.list_with_http_info(page_size=2).data] == job_ids
    streamed, status, _ = jobs.stream_with_http_info(page_size=4)
    assert ([job.id for job in streamed], status) == (job_ids, 200)


def test_list_returns_typed_jobs(sdk: Client, job_ids: list[str]) -> None:
    """`list()` returns jobs whose times are datetimes."""
    job = sdk.voice.v3.transcriptions.list(source_id=recording(0))[0]
    assert (job.id, job.account_id, job.created_at) == (job_ids[-1], ACCOUNT, NOON)
    assert job.links["conversation"].endswith(job.conversation_id)
    assert job.resolved_configuration["language"] == "en-US"


def test_list_filters_every_page(sdk: Client, job_ids: list[str]) -> None:
    """The SDK's filters apply to every page."""
    listed = sdk.voice.v3.transcriptions.list(
        status="COMPLETED",
        created_after=NOON + timedelta(minutes=1),
        created_before=NOON + timedelta(minutes=5),
        page_size=1,
    )
    assert [job.id for job in listed] == job_ids[2:6]


def test_next_and_previous_page(sdk: Client, job_ids: list[str]) -> None:
    """`next_page()` and `previous_page()` return the same pages."""
    first = sdk.voice.v3.transcriptions.page(page_size=3)
    second = first.next_page()
    assert [job.id for job in second] == job_ids[3:6]
    assert [job.id for job in second.previous_page()] == job_ids[:3]


def test_refused_list_raises(sdk: Client) -> None:
    """The SDK raises the error of a list as its base exception."""
    with pytest.raises(TwilioException, match="Unable to fetch page"):
        sdk.voice.v3.transcriptions.list(source_id="RE1")


def test_communications(sdk: Client, simulator: Simulator) -> None:
    """`communications.list()` returns the transcript's sentences from all pages."""
    job = simulator.create(BY_RECORDING)
    simulator.finish()
    communications = sdk.conversations.v2.communications(job.conversation_id)
    listed = communications.list(page_size=5)
    assert [each.content["text"] for each in listed] == [each["text"] for each in job.sentences()]
    one = communications(listed[0].id).fetch()
    assert one.content == listed[0].content
    # The SDK returns a time with a fraction of a second as a string.
    assert datetime.fromisoformat(one.occurred_at) >= (job.audio_started_at or NOON)


def test_conversation_is_stored_after_completion(sdk: Client, simulator: Simulator) -> None:
    """The rule: the transcript is stored in the conversation after the job is COMPLETED."""
    job = simulator.create(BY_RECORDING)
    simulator.advance(4)
    assert job.status(simulator.clock.now()) == "COMPLETED"
    stored = sdk.conversations.v2.conversations(job.conversation_id)
    with pytest.raises(TwilioServiceException) as caught:
        stored.fetch()
    assert caught.value.code == 20404
    simulator.advance(3)
    assert stored.fetch().id == job.conversation_id


def test_fetch_configuration(sdk: Client) -> None:
    """`voice.v2.transcription(…).fetch()` finds a configuration by its id or its unique name."""
    for name in (WITH_CONVERSATION, "conversation"):
        configuration = sdk.voice.v2.transcription(name).fetch()
        inner = configuration.configuration
        assert (configuration.id, configuration.unique_name) == (WITH_CONVERSATION, "conversation")
        assert inner["transcriptionStatusCallback"] == {"url": NOWHERE, "method": "POST"}
        assert inner["conversationConfigurationId"] == CONVERSATION_CONFIGURATION
    only = sdk.voice.v2.transcription(CALLBACK_ONLY).fetch().configuration
    assert only["conversationConfigurationId"] is None


def test_create_configuration(sdk: Client, simulator: Simulator) -> None:
    """A job can use a configuration from `voice.v2.configurations("Transcription").create()`."""
    configurations = sdk.voice.v2.configurations("Transcription")
    made = configurations.create(
        configurations.VoiceV2ConfigurationRequest(
            {
                "unique_name": "french",
                "configuration": {
                    "language": "fr-FR",
                    "transcriptionStatusCallback": {"url": "http://127.0.0.1:2/", "method": "POST"},
                },
            }
        )
    )
    job = simulator.create({**BY_RECORDING, "transcriptionConfigurationId": made.id})
    assert job.callback_url == "http://127.0.0.1:2/"
    assert job.configuration["language"] == "fr-FR"
    assert job.conversation_id is None


@pytest.mark.parametrize(
    "inner",
    [
        {},
        {"transcriptionStatusCallback": {"method": "POST"}},
        {"transcriptionStatusCallback": {"url": NOWHERE, "method": "GET"}},
        {"conversationConfigurationId": "c", "participantDefaults": []},
    ],
)
def test_configuration_needs_a_callback_or_a_conversation(
    sdk: Client, inner: dict[str, object]
) -> None:
    """The rule: a callback by POST, a conversation, or both; and two default participants."""
    lists = sdk.voice.v2.transcription
    request = lists.VoiceV2ConfigurationTranscriptionRequest({"configuration": inner})
    with pytest.raises(TwilioRestException) as caught:
        lists.create(request)
    assert (caught.value.status, caught.value.code) == (400, 20001)


def test_unique_name_is_unique(sdk: Client, simulator: Simulator) -> None:
    """A name that is in use is refused, and still names the older configuration."""
    lists = sdk.voice.v2.transcription
    inner = {"conversationConfigurationId": "c"}
    request = {"unique_name": "conversation", "configuration": inner}
    with pytest.raises(TwilioRestException, match="already"):
        lists.create(lists.VoiceV2ConfigurationTranscriptionRequest(request))
    configuration = simulator.configurations.find("conversation")
    assert configuration
    assert configuration["id"] == WITH_CONVERSATION


def test_unknown_configuration_raises(sdk: Client) -> None:
    """The v2 configurations return errors in Twilio's older form, which the SDK reads too."""
    with pytest.raises(TwilioRestException) as caught:
        sdk.voice.v2.transcription("nothing").fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)
    assert "no such transcription configuration" in caught.value.msg
