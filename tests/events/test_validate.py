"""Tests of validation, which turns any body into an event that Postgres can store."""

from typing import Any

from receiver.store.event import Event
from tests.support.callback_events import validated_event


def _validated(body: bytes) -> Event:
    return validated_event(body)


def test_internal_error_quarantines() -> None:
    """An unexpected error quarantines the body, and its text, which may quote it, is dropped."""

    class Failing(bytes):
        def decode(self, *_: Any, **__: Any) -> str:
            raise KeyError("a secret sentence")

    event = _validated(Failing(b"{}"))
    assert event.reason == "internal_error"
    assert "secret" not in (event.detail or "")


def test_detail_names_every_invalid_member() -> None:
    """The detail names every invalid member and contains none of their values."""
    event = _validated(b'{"id": "job_1", "accountId": "AC/", "status": "hush hush"}')
    assert (event.job_id, event.account_id, event.reason) == ("job_1", None, "invalid")
    assert "accountId: " in (event.detail or "")
    assert "status: " in (event.detail or "")
    assert "hush" not in (event.detail or "")
