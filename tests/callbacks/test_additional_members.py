"""Tests of members that no schema has: the job's view passes them on."""

import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from receiver.services import services_of
from receiver.store.jobs.rebuild import rebuild
from schemas.additional import MAX_ADDITIONAL_SIZE
from schemas.callback import load_head
from tests.support.app import Reader, Twilio
from tests.support.callback_events import validated_event
from tests.support.paths import ROOT
from tests.support.samples import COMPLETED, ENVELOPE, FAILED, JOB
from tests.support.stored_callbacks import stored_events

WITH_ERROR = (ROOT / "tests" / "samples" / "odd" / "failed_with_error.json").read_bytes()
ERROR = {"error": {"code": 17558, "message": "The media is corrupted."}}
DOCUMENT = json.loads(COMPLETED)


def _job(read: Reader) -> dict[str, Any]:
    job: dict[str, Any] = read(f"/v3/Transcriptions/{JOB}").get_json()["transcription"]

    return job


def test_error_of_a_failed_job_is_shown(twilio: Twilio, read: Reader) -> None:
    """The `error` of a failed callback is in `additional`, in the job and in the list."""
    assert twilio.call(WITH_ERROR).status_code == 204
    assert _job(read)["additional"] == ERROR
    [listed] = read("/v3/Transcriptions?status=FAILED").get_json()["transcriptions"]
    assert listed["additional"] == ERROR


@pytest.mark.parametrize("sample", [COMPLETED, FAILED, ENVELOPE], ids=["flat", "failed", "env"])
def test_job_without_unknown_members_has_no_additional(
    twilio: Twilio, read: Reader, sample: bytes
) -> None:
    """Twilio's samples have no member that is passed on."""
    twilio.call(sample)
    [job] = read("/v3/Transcriptions").get_json()["transcriptions"]
    assert "additional" not in job


@pytest.mark.parametrize("is_first", [True, False], ids=["first", "last"])
def test_newest_event_with_additional_members_counts(
    twilio: Twilio, read: Reader, *, is_first: bool
) -> None:
    """The newest event that has such members decides, in any order of arrival."""
    older = DOCUMENT | {"updatedAt": "2026-04-02T19:26:00Z", "new": 1, "old": True}
    newer = DOCUMENT | {"updatedAt": "2026-04-02T19:27:00Z", "new": [2.5, None], "none": None}
    newest = DOCUMENT | {"updatedAt": "2026-04-02T19:28:00Z"}
    for document in (older, newer, newest) if is_first else (newest, newer, older):
        twilio.call(json.dumps(document).encode())
    assert _job(read)["additional"] == {"new": [2.5, None]}


def test_too_large_member_is_left_out_and_counted(app: Flask, twilio: Twilio, read: Reader) -> None:
    """A member that is too large or can't be stored is left out; the others are shown."""
    odd = {"long": "x" * 5000, "nul": "\x00", "a": 1, "many": [0] * 5000, "\ud800": 1, **ERROR}
    assert twilio.call(json.dumps(DOCUMENT | odd).encode()).status_code == 204
    assert _job(read)["additional"] == {"a": 1} | ERROR
    [event] = stored_events(app)
    assert event.detail == "Not used: other members: 4 are too large, or can't be stored."
    assert read(f"/v3/Transcriptions/{JOB}/Transcript").status_code == 200


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["x" * 3000, "\x00"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


_names = st.text() | st.sampled_from(["error", "url", "communications"])


@given(st.dictionaries(_names, _values))
def test_any_unknown_members_are_bounded_and_change_nothing_else(members: dict[str, Any]) -> None:
    """Unknown members are passed on unchanged up to the limit; the rest of the head is the same."""
    unknown = {name: value for name, value in members.items() if name not in DOCUMENT}
    head = load_head(DOCUMENT | unknown).columns
    additional = head["additional"] or {}
    assert head | {"additional": None} == load_head(DOCUMENT).columns
    assert len(json.dumps(additional, ensure_ascii=False)) < 10 * MAX_ADDITIONAL_SIZE
    for name, value in unknown.items():
        is_passed_on = value is not None and name not in {"url", "communications"}
        if "\\u0000" in json.dumps({name: value}) or not is_passed_on:
            assert name not in additional
        elif len(json.dumps(unknown)) < MAX_ADDITIONAL_SIZE:
            assert additional[name] == value


def test_rebuild_reads_what_an_earlier_release_did_not(
    app: Flask, engine: Engine, twilio: Twilio, read: Reader
) -> None:
    """`rebuild` fills `additional` from the bodies of events that were recorded without it."""
    twilio.call(WITH_ERROR)
    with engine.connect() as connection:
        connection.execute(text("UPDATE events SET head = head - 'additional'"))
        connection.execute(text("UPDATE transcriptions SET additional = NULL"))
    assert "additional" not in _job(read)
    assert rebuild(services_of(app).engine, [JOB]) == [JOB]
    assert _job(read)["additional"] == ERROR
    [event] = stored_events(app)
    assert event.head["additional"] == ERROR
    assert not rebuild(engine, [JOB])


def test_conversation_s_communications_are_not_passed_on() -> None:
    """The communications of a conversation, which are what people said, stay in the body."""
    document = DOCUMENT | {"communications": [{"content": {"text": "Hello."}}]}
    event = validated_event(json.dumps(document).encode())
    assert event.head is not None
    assert event.head["additional"] is None
