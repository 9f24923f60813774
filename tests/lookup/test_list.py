"""Tests of the list of jobs: its shape, its order and its filters."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from receiver.store.event import Outcome
from tests.support.callback_events import NOON
from tests.support.job_lists import get_ids, get_list
from tests.support.samples import ACCOUNT, CONFIGURATION
from tests.support.stored_callbacks import callback, json_of, record_callback

RECORDING = "RE" + "0a" * 16
ADDRESS = "+15551234567"
CONVERSATION = "conv_conversation_01k1etx3jbfx88476ccja0889c"


def _invalid_parameters(reader: FlaskClient, query: str) -> list[str]:
    response = reader.get(f"/v3/Transcriptions?{query}")
    assert (response.status_code, response.content_type) == (400, "application/problem+json")
    problem = json_of(response)
    assert problem["code"] == 20001

    return [error["pointer"] for error in problem["errors"]]


def test_shape_is_twilios(reader: FlaskClient, engine: Engine) -> None:
    """The jobs are under the key that `meta` names, and a single page has no tokens."""
    record_callback(engine, callback("job"))
    listed = get_list(reader)
    assert listed["meta"] == {"key": "transcriptions", "pageSize": 1}
    [job] = listed["transcriptions"]
    assert job == json_of(reader.get("/v3/Transcriptions/job"))["transcription"]
    assert (job["accountId"], job["status"]) == (ACCOUNT, "COMPLETED")


def test_empty_list_has_one_page(reader: FlaskClient) -> None:
    """An empty list is one page without rows and tokens."""
    meta = {"key": "transcriptions", "pageSize": 0}
    assert get_list(reader) == {"transcriptions": [], "meta": meta}


def test_newest_job_comes_first(reader: FlaskClient, engine: Engine) -> None:
    """The jobs are sorted by `createdAt`, or else by when they were first seen, then by `id`."""
    record_callback(
        engine, callback("b", createdAt="2026-04-02T12:00:00Z"), at=NOON + timedelta(days=9)
    )
    record_callback(engine, callback("a", createdAt="2026-04-02T12:00:00Z"))
    record_callback(engine, callback("no_created_at"), at=NOON + timedelta(minutes=1))
    record_callback(
        engine, callback("late", createdAt="2026-04-02T11:59:59Z"), at=NOON + timedelta(days=9)
    )
    assert get_ids(reader) == ["no_created_at", "b", "a", "late"]


@pytest.fixture
def three_jobs(engine: Engine) -> None:
    """Store three jobs, a minute apart, that differ in each property that has a filter."""
    record_callback(engine, callback("running", status="running", createdAt=NOON.isoformat()))
    record_callback(
        engine,
        callback(
            "full",
            createdAt=(NOON + timedelta(minutes=1)).isoformat(),
            sourceId=RECORDING,
            transcriptionConfigurationId=CONFIGURATION,
            conversationId=CONVERSATION,
            resolvedConfiguration={"language": "en-US"},
            sentences=[{"text": "Hello."}],
            participants=[{"address": ADDRESS}, {"address": "agent-7"}],
            updatedAt="2026-04-03T00:00:00Z",
        ),
    )
    record_callback(
        engine,
        callback(
            "german",
            status="failed",
            resolvedConfiguration={"language": "de-DE"},
            participants=[{"address": None}, {"address": ADDRESS}, {"address": "third"}],
            updatedAt="2026-04-02T23:59:59Z",
        ),
        at=NOON + timedelta(minutes=2),
    )


@pytest.mark.usefixtures("three_jobs")
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("status", "COMPLETED", ["full"]),
        ("status", "completed", ["full"]),
        ("status", "PENDING", []),
        ("sourceId", RECORDING, ["full"]),
        ("sourceId", "RE" + "0" * 32, []),
        ("createdAfter", "2026-04-02T12:01:00Z", ["german", "full"]),
        ("createdAfter", "2026-04-02T14:01:00+02:00", ["german", "full"]),
        ("createdAfter", "2026-04-02T12:01:00.000001", ["german"]),
        ("createdAfter", "2026-04-02", ["german", "full", "running"]),
        ("createdAfter", "9999-12-31T23:59:59Z", []),
        ("createdBefore", "2026-04-02T12:01:00Z", ["running"]),
        ("createdBefore", "0001-01-01T00:00:00Z", []),
        ("languageCode", "en-US", ["full"]),
        ("languageCode", "en-us", []),
        ("languageCode", "ü", []),
        ("conversationId", CONVERSATION, ["full"]),
        ("conversationId", "%", []),
        ("transcriptionConfigurationId", CONFIGURATION, ["full"]),
        ("participantAddress", ADDRESS, ["german", "full"]),
        ("participantAddress", "agent-7", ["full"]),
        ("participantAddress", "AGENT-7", []),
        ("updatedAfter", "2026-04-02T23:59:59Z", ["german", "full"]),
        ("updatedAfter", "2026-04-03", ["full"]),
        ("updatedAfter", "2026-04-03T00:00:00.000001Z", []),
        ("receivedAfter", "2026-04-02T12:02:00Z", ["german"]),
        ("receivedAfter", "2026-04-02T12:00:00Z", ["german", "full", "running"]),
        ("hasTranscript", "true", ["full"]),
        ("hasTranscript", "false", ["german", "running"]),
        ("hasTranscript", False, ["german", "running"]),
    ],
)
def test_each_filter_selects_its_jobs(
    reader: FlaskClient, name: str, value: object, expected: list[str]
) -> None:
    """Each filter selects its jobs; `…After` is inclusive, `createdBefore` exclusive."""
    assert get_ids(reader, **{name: value}) == expected


@pytest.mark.usefixtures("three_jobs")
def test_filters_are_combined(reader: FlaskClient) -> None:
    """A job must pass all filters."""
    assert get_ids(reader, status="COMPLETED", hasTranscript="true", languageCode="en-US") == [
        "full"
    ]
    assert get_ids(reader, status="COMPLETED", languageCode="de-DE") == []
    assert get_ids(reader, status="COMPLETED", participantAddress=ADDRESS) == ["full"]
    assert get_ids(reader, participantAddress=ADDRESS, updatedAfter="2026-04-03") == ["full"]


def test_long_address_is_stored_and_matches_no_filter(reader: FlaskClient, engine: Engine) -> None:
    """A callback with an address too long for an index is stored; a filter never matches it."""
    for name, length in (("exact", 128), ("longer", 129), ("huge", 20_000)):
        participants = [{"address": "ü" * length}] * 2
        outcome = record_callback(engine, callback(name, participants=participants))
        assert outcome == Outcome.APPLIED
    assert get_ids(reader, participantAddress="ü" * 128) == ["exact"]


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("status=DONE", ["#/status"]),
        ("status=", ["#/status"]),
        ("sourceId=RE" + "0A" * 16, ["#/sourceId"]),
        ("sourceId=" + RECORDING + "%0A", ["#/sourceId"]),
        ("sourceId=CA" + "0a" * 16, ["#/sourceId"]),
        ("createdAfter=yesterday", ["#/createdAfter"]),
        ("createdAfter=2026-04-02T12:00:00+02:00", ["#/createdAfter"]),
        ("createdAfter=0001-01-01T00:00:00%2B14:00", ["#/createdAfter"]),
        ("createdBefore=9999-12-31T23:59:59-14:00", ["#/createdBefore"]),
        ("createdBefore=99999-01-01T00:00:00Z", ["#/createdBefore"]),
        ("languageCode=%00", ["#/languageCode"]),
        ("languageCode=", ["#/languageCode"]),
        ("languageCode=" + "e" * 129, ["#/languageCode"]),
        ("conversationId=a%00b", ["#/conversationId"]),
        ("transcriptionConfigurationId=%00", ["#/transcriptionConfigurationId"]),
        ("participantAddress=", ["#/participantAddress"]),
        ("participantAddress=+15551234567", ["#/participantAddress"]),
        ("participantAddress=" + "1" * 129, ["#/participantAddress"]),
        ("updatedAfter=now&receivedAfter=1", ["#/updatedAfter", "#/receivedAfter"]),
        ("hasTranscript=1", ["#/hasTranscript"]),
        ("hasTranscript=yes", ["#/hasTranscript"]),
        ("status=FAILED&status=FAILED", ["#/status"]),
        ("status=FAILED&status=COMPLETED", ["#/status"]),
        ("pageSize=0&hasTranscript=", ["#/pageSize", "#/hasTranscript"]),
        ("pageSize=2&PageSize=3", ["#/pageSize"]),
        ("PageSize=2&PageSize=2", ["#/pageSize"]),
        ("PageSize=0", ["#/pageSize"]),
        ("PageToken=x", ["#/pageToken"]),
        ("hastranscript=false", ["#/hastranscript"]),
        ("utm=1&utm=2&%00=&%FF=1", ["#/utm", "#/%00", "#/%25FF"]),
        ("a/b~c=1", ["#/a~1b~0c"]),
        ("page=1", ["#/page"]),
        ("pageToken=" + "x" * 4097, ["#/pageToken"]),
    ],
)
def test_invalid_parameters_are_named(reader: FlaskClient, query: str, pointers: list[str]) -> None:
    """A 400 problem names each invalid parameter."""
    assert _invalid_parameters(reader, query) == pointers


@pytest.mark.parametrize(
    "size", ["0", "-1", "00", "", "x", "1.0", "1e2", "%2B5", "+5", "1_0", "0x10", "%D9%A5", "5%0A"]
)
def test_page_size_must_be_a_positive_number(reader: FlaskClient, size: str) -> None:
    """A page size that isn't a positive number in ASCII digits is a 400."""
    assert _invalid_parameters(reader, f"pageSize={size}") == ["#/pageSize"]


@pytest.mark.parametrize(
    ("requested", "count"), [("1", 1), ("007", 7), ("100", 100), ("101", 100), ("9" * 5000, 100)]
)
def test_large_page_size_is_clamped(
    reader: FlaskClient, engine: Engine, requested: str, count: int
) -> None:
    """A large page size is clamped, and `meta.pageSize` is the number of jobs on the page."""
    for number in range(101):
        record_callback(engine, callback(f"job{number}"))
    for name in ("pageSize", "PageSize"):
        page = get_list(reader, **{name: requested})
        assert len(page["transcriptions"]) == page["meta"]["pageSize"] == count


def test_page_of_the_sdk_is_ignored(reader: FlaskClient, engine: Engine) -> None:
    """`Page`, which the SDK sends beside the token, is ignored, even repeated."""
    record_callback(engine, callback("job"))
    assert get_ids(reader, Page=7) == ["job"]
    assert reader.get("/v3/Transcriptions?Page=7&Page=").status_code == 200
