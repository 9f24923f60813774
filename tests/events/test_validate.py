"""Validation: whatever the body is, it becomes an event that Postgres can keep."""

from typing import Any

from receiver.store.event import Event
from tests.support.callback_events import validated_event


def _validated(body: bytes) -> Event:
    return validated_event(body)


def test_a_fault_of_ours_quarantines() -> None:
    """An error that nobody foresaw costs no transcript, and its text, which may quote it, goes."""

    class Broken(bytes):
        def decode(self, *_: Any, **__: Any) -> str:
            raise KeyError("a secret sentence")

    event = _validated(Broken(b"{}"))
    assert event.reason == "internal_error"
    assert "secret" not in (event.detail or "")


def test_the_reason_names_every_fault() -> None:
    """The operator reads which members are wrong, and nothing of what they held."""
    event = _validated(b'{"id": "job_1", "accountId": "AC/", "status": "hush hush"}')
    assert (event.job_id, event.account_id, event.reason) == ("job_1", None, "invalid")
    assert "accountId: " in (event.detail or "")
    assert "status: " in (event.detail or "")
    assert "hush" not in (event.detail or "")
