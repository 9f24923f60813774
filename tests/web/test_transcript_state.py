"""Why a transcript may be missing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from receiver.web.transcript_state import is_missing, missing_kind, missing_reasons

NOW = datetime(2026, 4, 2, 12, tzinfo=UTC)
GRACE = timedelta(minutes=15)
OURS = "https://user:hush@app.example.com/twilio"
JOB: dict[str, Any] = {
    "status": "COMPLETED",
    "transcript_sha256": None,
    "ended_at": NOW - GRACE,
    "received_at": None,
    "duration": 60,
    "conversation_id": None,
    "resolved_configuration": None,
}


def _reasons(resolved: dict[str, Any] | None = None, **changes: Any) -> str:
    job = JOB | {"resolved_configuration": resolved} | changes

    return "\n".join(missing_reasons(job, public_url=OURS))


def _calling(url: str) -> dict[str, Any]:
    return {"transcriptionStatusCallback": {"url": url}}


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, True),
        ({"ended_at": NOW - GRACE + timedelta(seconds=1)}, False),
        ({"transcript_sha256": b"x"}, False),
        ({"status": "FAILED"}, False),
        ({"status": "RUNNING"}, False),
    ],
)
def test_missing_is_what_was_promised_and_is_overdue(
    changes: dict[str, Any], *, missing: bool
) -> None:
    """A job that is completed, has no transcript, and ended longer ago than the grace time."""
    assert is_missing(JOB | changes, grace=GRACE, at=NOW) == missing


def test_what_became_of_the_callback_has_a_name() -> None:
    """It never came, it can't be used, it doesn't verify, or it brought nothing."""
    assert missing_kind(JOB) == "callback_never_came"
    assert missing_kind(JOB | {"is_quarantined": True}) == "callback_quarantined"
    assert missing_kind(JOB | {"is_rejected": True}) == "callback_rejected"
    assert missing_kind(JOB | {"received_at": NOW}) == "callback_without_transcript"


@pytest.mark.parametrize("resolved", [{}, {"transcriptionStatusCallback": None}])
def test_a_configuration_without_a_callback_is_the_reason(resolved: dict[str, Any]) -> None:
    """Then nothing else is."""
    assert "sends no callback." in _reasons(resolved)
    assert "rejected" not in _reasons(resolved)


def test_a_configuration_that_calls_elsewhere_is_the_reason() -> None:
    """It is shown without what may be secret in either address."""
    told = _reasons(
        _calling("https://me:secret@old.example.com/callbacks/transcription?key=secret")
    )
    assert "calls https://old.example.com/callbacks/transcription, which is not" in told
    assert "https://app.example.com/twilio/callbacks/transcription." in told
    assert "secret" not in told
    assert "hush" not in told


@pytest.mark.parametrize("credentials", ["", "user:hush@"])
@pytest.mark.parametrize("tail", ["", "/", "?x=1"])
def test_our_own_address_is_known(credentials: str, tail: str) -> None:
    """With or without credentials, a slash at the end and a query."""
    url = f"https://{credentials}app.example.com/twilio/callbacks/transcription{tail}"
    assert "rejected" in _reasons(_calling(url))


def test_a_long_call_may_be_too_large() -> None:
    """Twilio skips a callback beyond 1 MB."""
    assert "17564" in _reasons(duration=3600)
    assert "17564" not in _reasons(duration=600)


def test_a_configuration_without_a_conversation_is_told() -> None:
    """There nothing can be fetched back; of one that isn't known nobody can say so."""
    assert "can't be fetched" in _reasons(_calling("x"))
    assert "can't be fetched" not in _reasons()
    assert "can't be fetched" not in _reasons(conversation_id="conv")
    stored = {**_calling("x"), "conversationConfigurationId": "conv_configuration_1"}
    assert "can't be fetched" not in _reasons(stored)
