"""Tests of the reasons why a transcript is missing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from receiver.web.transcript_state import is_missing, missing_kind, missing_reasons

NOW = datetime(2026, 4, 2, 12, tzinfo=UTC)
GRACE = timedelta(minutes=15)
PUBLIC_URL = "https://user:hush@app.example.com/twilio"
JOB: dict[str, Any] = {
    "status": "COMPLETED",
    "transcript_sha256": None,
    "erased_at": None,
    "ended_at": NOW - GRACE,
    "received_at": None,
    "duration": 60,
    "conversation_id": None,
    "resolved_configuration": None,
}


def _reasons(resolved: dict[str, Any] | None = None, **changes: Any) -> str:
    job = JOB | {"resolved_configuration": resolved} | changes

    return "\n".join(missing_reasons(job, public_url=PUBLIC_URL))


def _with_callback_url(url: str) -> dict[str, Any]:
    return {"transcriptionStatusCallback": {"url": url}}


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, True),
        ({"ended_at": NOW - GRACE + timedelta(seconds=1)}, False),
        ({"transcript_sha256": b"x"}, False),
        ({"erased_at": NOW}, False),
        ({"status": "FAILED"}, False),
        ({"status": "RUNNING"}, False),
    ],
)
def test_overdue_transcript_is_missing(changes: dict[str, Any], *, missing: bool) -> None:
    """A transcript is missing once its job is completed and the grace time has ended."""
    assert is_missing(JOB | changes, grace=GRACE, at=NOW) == missing


def test_missing_kind_says_what_happened_to_the_callback() -> None:
    """The kind says whether the callback came, is quarantined, is rejected or has no transcript."""
    assert missing_kind(JOB) == "callback_never_came"
    assert missing_kind(JOB | {"is_quarantined": True}) == "callback_quarantined"
    assert missing_kind(JOB | {"is_rejected": True}) == "callback_rejected"
    assert missing_kind(JOB | {"received_at": NOW}) == "callback_without_transcript"


@pytest.mark.parametrize("resolved", [{}, {"transcriptionStatusCallback": None}])
def test_configuration_without_callback_is_the_only_reason(resolved: dict[str, Any]) -> None:
    """A configuration without a callback is the only reason that is listed."""
    assert "sends no callback." in _reasons(resolved)
    assert "rejected" not in _reasons(resolved)


def test_configuration_with_another_url_is_a_reason() -> None:
    """A configuration with another callback URL is a reason, shown without secrets."""
    reasons = _reasons(
        _with_callback_url("https://me:secret@old.example.com/callbacks/transcription?key=secret")
    )
    assert "calls https://old.example.com/callbacks/transcription, which is not" in reasons
    assert "https://app.example.com/twilio/callbacks/transcription." in reasons
    assert "secret" not in reasons
    assert "hush" not in reasons


@pytest.mark.parametrize("credentials", ["", "user:hush@"])
@pytest.mark.parametrize("tail", ["", "/", "?x=1"])
def test_own_url_is_recognized(credentials: str, tail: str) -> None:
    """The service's own URL is recognized with credentials, a final slash or a query."""
    url = f"https://{credentials}app.example.com/twilio/callbacks/transcription{tail}"
    assert "rejected" in _reasons(_with_callback_url(url))


def test_own_url_below_a_prefix_is_recognized() -> None:
    """The service's own URL may have a prefix that PUBLIC_URL_PREFIXES names."""
    url = "https://app.example.com/twilio/voice/callbacks/transcription"
    job = JOB | {"resolved_configuration": _with_callback_url(url)}
    for prefixes, is_own in ((("/voice",), True), ((), False)):
        reasons = missing_reasons(job, public_url=PUBLIC_URL, prefixes=prefixes)
        assert ("which is not" not in "".join(reasons)) is is_own


def test_long_call_may_be_too_large() -> None:
    """A long call's callback may exceed 1 MB, which Twilio doesn't send (17564)."""
    assert "17564" in _reasons(duration=3600)
    assert "17564" not in _reasons(duration=600)


def test_configuration_without_conversation_is_reported() -> None:
    """The reasons say that nothing can be fetched if the configuration has no conversation."""
    assert "can't be fetched" in _reasons(_with_callback_url("x"))
    assert "can't be fetched" not in _reasons()
    assert "can't be fetched" not in _reasons(conversation_id="conv")
    stored = {**_with_callback_url("x"), "conversationConfigurationId": "conv_configuration_1"}
    assert "can't be fetched" not in _reasons(stored)
