"""Tests of signed callbacks with odd optional members: only the odd member is lost."""

import itertools
import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver.services import services_of
from receiver.store.event import Event
from receiver.store.ledger.record import record
from tests.support.app import Reader, Twilio
from tests.support.bodies import fragments
from tests.support.callback_events import validated_event
from tests.support.command import run
from tests.support.paths import ROOT
from tests.support.samples import COMPLETED, JOB
from tests.support.store_events import expected_row
from tests.support.stored_callbacks import stored_events

ODD = ROOT / "tests" / "samples" / "odd"
DOCUMENT = json.loads(COMPLETED)
REQUIRED = {"id", "accountId", "status"}
# The columns that depend on each optional member.
COLUMNS = {
    "transcriptionConfigurationId": {"configuration_id"},
    "sourceId": {"source_id"},
    "mediaUrl": {"media_url"},
    "conversationId": {"conversation_id"},
    "duration": {"duration"},
    "audioStartedAt": {"audio_started_at"},
    "participants": {"participants"},
    "resolvedConfiguration": {"resolved_configuration", "language"},
    "links": {"conversation_url"},
    "createdAt": {"created_at"},
    "updatedAt": {"updated_at"},
    "sentences": {"sentences"},
}
_jobs = itertools.count()
FORMATS = ("json", "text", "vtt", "srt")


def _with(member: str, value: str) -> bytes:
    """Return the sample with a member's value replaced by a JSON text."""
    others = {name: DOCUMENT[name] for name in DOCUMENT if name != member}

    return f'{json.dumps(others)[:-1]}, "{member}": {value}}}'.encode()


def _head(body: bytes) -> tuple[Event, dict[str, Any]]:
    event = validated_event(body)
    assert event.head is not None, event.detail

    return event, event.head


# The odd member of each sample, and what the API shows of it.
SAMPLES = {
    "empty_conversation_id": ("conversationId", None),
    "empty_source_id": ("sourceId", None),
    "zero_date": ("audioStartedAt", None),
    "leap_second": ("updatedAt", "2026-04-02T19:26:00Z"),
    "lower_case_time": ("updatedAt", "2026-04-02T19:26:02Z"),
    "nanoseconds": ("updatedAt", "2026-04-02T19:26:02Z"),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_odd_member_does_not_cost_the_transcript(
    app: Flask, twilio: Twilio, read: Reader, name: str
) -> None:
    """A leap second, lower case and nanoseconds are read; another odd value is null, and named."""
    member, shown = SAMPLES[name]
    body = (ODD / f"{name}.json").read_bytes()
    assert twilio.call(body).status_code == 204
    [event] = stored_events(app)
    assert (event.outcome, event.reason, event.body) == ("applied", None, body)
    assert (member in (event.detail or "")) == (shown is None)
    job = read(f"/v3/Transcriptions/{event.job_id}").get_json()["transcription"]
    assert job.get(member) == shown
    assert (job["duration"], job["createdAt"]) == (12, "2026-04-02T19:25:20Z")
    for format_name in FORMATS:
        assert b"Hello." in read(f"/v3/Transcriptions/{JOB}/Transcript?format={format_name}").data


def _is_json(text: str) -> bool:
    """Return whether the text is JSON, and not nested too deeply for Python."""
    try:
        text.encode()
        json.loads(text, parse_constant=_refuse, parse_int=float)
    except (ValueError, RecursionError):
        return False

    return True


def _refuse(name: str) -> Any:
    raise ValueError(name)


@given(member=st.sampled_from(sorted(COLUMNS)), value=fragments.filter(_is_json))
def test_any_value_of_an_optional_member_leaves_the_others(member: str, value: str) -> None:
    """A callback with any JSON value in an optional member has the same values in the others."""
    _, expected = _head(COMPLETED)
    _, head = _head(_with(member, value))
    for name in expected.keys() - COLUMNS[member]:
        assert head[name] == expected[name]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    member=st.sampled_from(sorted(COLUMNS.keys() - {"sentences"})),
    value=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
)
def test_any_value_of_an_optional_member_keeps_the_transcript(
    twilio: Twilio, read: Reader, member: str, value: Any
) -> None:
    """A callback with any value in an optional member is applied, and its transcript is served."""
    job = f"job_{next(_jobs)}"
    body = json.dumps(DOCUMENT | {member: value, "id": job}).encode()
    assert twilio.call(body).status_code == 204
    transcript = read(f"/v3/Transcriptions/{job}/Transcript")
    assert transcript.status_code == 200, transcript.data
    assert transcript.get_json()["sentences"] == DOCUMENT["sentences"]
    for format_name in FORMATS[1:]:
        answer = read(f"/v3/Transcriptions/{job}/Transcript?format={format_name}")
        assert DOCUMENT["sentences"][0]["text"].split()[0].encode() in answer.data


def test_odd_sentence_does_not_cost_the_others(app: Flask, twilio: Twilio, read: Reader) -> None:
    """Sentences that aren't objects are left out and counted; the others are served."""
    odd = [7, {"text": "Hello.", "startTimeSeconds": "x", "sentenceIndex": []}, None, ["x"]]
    twilio.call(json.dumps(DOCUMENT | {"sentences": odd}).encode())
    [event] = stored_events(app)
    assert (event.outcome, event.head["sentences"]) == ("applied", 1)
    assert "sentences: 3 of them" in event.detail
    transcript = read(f"/v3/Transcriptions/{JOB}/Transcript").get_json()
    assert transcript["sentences"] == [odd[1]]
    assert b"Hello." in read(f"/v3/Transcriptions/{JOB}/Transcript?format=vtt").data


def test_odd_participant_costs_only_the_participants(
    app: Flask, twilio: Twilio, read: Reader
) -> None:
    """A participant that isn't an object makes the participants unusable, not the transcript."""
    twilio.call(json.dumps(DOCUMENT | {"participants": [5, *DOCUMENT["participants"]]}).encode())
    [event] = stored_events(app)
    assert event.detail == "Not used: participants: Not an array of objects."
    assert "participants" not in read(f"/v3/Transcriptions/{JOB}").get_json()["transcription"]
    transcript = read(f"/v3/Transcriptions/{JOB}/Transcript").get_json()
    assert transcript["participants"] == []
    assert transcript["sentences"] == DOCUMENT["sentences"]


def test_detail_names_each_unusable_member() -> None:
    """The detail names each unusable member, also an inner one, and contains no value."""
    odd = {
        "duration": "hush",
        "links": {"conversation": 5},
        "resolvedConfiguration": {"language": ["hush"], "name": "x"},
    }
    event, head = _head(json.dumps(DOCUMENT | odd).encode())
    assert event.detail is not None
    assert [each in event.detail for each in ("duration", "links.conversation", "hush")] == [
        *(True, True, False)
    ]
    assert "resolvedConfiguration.language" in event.detail
    assert (head["language"], head["resolved_configuration"]["name"]) == (None, "x")


@pytest.mark.parametrize("member", sorted(REQUIRED))
def test_job_needs_its_id_account_and_status(member: str) -> None:
    """A callback whose id, account or status can't be used is quarantined as invalid."""
    event = validated_event(_with(member, '"a/b"'))
    assert (event.head, event.reason) == (None, "invalid")
    assert member in (event.detail or "")


def test_later_event_fills_in_an_unusable_member(twilio: Twilio, read: Reader) -> None:
    """An unusable value is unknown: another event's usable value stays, or replaces it."""
    for status, source in (("running", "RE1"), ("completed", "")):
        twilio.call(json.dumps(DOCUMENT | {"status": status, "sourceId": source}).encode())
    job = read(f"/v3/Transcriptions/{JOB}").get_json()["transcription"]
    assert (job["status"], job["sourceId"]) == ("COMPLETED", "RE1")


def test_replay_applies_what_an_earlier_release_quarantined(app: Flask, read: Reader) -> None:
    """`callbacks replay` applies a callback that was quarantined for an optional member."""
    body = (ODD / "empty_source_id.json").read_bytes()
    earlier = validated_event(body).quarantined("invalid", "sourceId: Invalid.")
    record(services_of(app).engine, earlier)
    assert read(f"/v3/Transcriptions/{JOB}").status_code == 404
    assert run(app, "callbacks", "replay", "--reason", "invalid").exit_code == 0
    assert b"Hello." in read(f"/v3/Transcriptions/{JOB}/Transcript?format=text").data
    [event] = stored_events(app)
    assert (event.outcome, event.reason, event.promoted_from) == ("applied", None, "invalid")
    assert event.detail.startswith("Not used: sourceId")


ODD_TIMES: tuple[Any, ...] = ("", "0001-01-01T00:00:00Z", "soon", 5, [], None)


@pytest.mark.parametrize("is_first", [True, False], ids=["first", "last"])
@pytest.mark.parametrize("odd", ODD_TIMES, ids=repr)
def test_unusable_updated_at_counts_as_missing(
    twilio: Twilio, read: Reader, odd: Any, *, is_first: bool
) -> None:
    """An event without a usable updatedAt is older than one with, in any order of arrival."""
    dated = DOCUMENT | {"duration": 30}
    undated = DOCUMENT | {"duration": 40, "updatedAt": odd, "sourceId": "RE9"}
    later = DOCUMENT | {"status": "running", "updatedAt": "2026-04-02T20:00:00Z", "sentences": None}
    dated.pop("sourceId", None)
    for document in (undated, dated, later) if is_first else (later, dated, undated):
        assert twilio.call(json.dumps(document).encode()).status_code == 204
    job = read(f"/v3/Transcriptions/{JOB}").get_json()["transcription"]
    assert (job["status"], job["duration"], job["sourceId"]) == ("COMPLETED", 30, "RE9")
    assert job["updatedAt"] == DOCUMENT["updatedAt"]


@given(
    times=st.lists(
        st.sampled_from([*ODD_TIMES, "2026-04-02T19:26:60Z", "2026-04-02t19:27:00z"]), min_size=1
    ),
    random=st.randoms(use_true_random=False),
)
def test_order_of_events_with_odd_times_does_not_matter(times: list[Any], random: Any) -> None:
    """The job is the same in every order of its events, whatever their updatedAt is."""
    delivered = [
        validated_event(json.dumps(DOCUMENT | {"updatedAt": time, "duration": n}).encode())
        for n, time in enumerate(times)
    ]
    shuffled = list(delivered)
    random.shuffle(shuffled)
    assert expected_row(shuffled) == expected_row(delivered)
