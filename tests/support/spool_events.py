"""Callbacks for the spool's tests, and the files of a spool."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from receiver.spool.file import COPIED_FIELDS
from receiver.spool.folder import Spool
from receiver.store.event import Event

HEAD = {"id": "job", "account_id": "AC1", "status": "COMPLETED"}


def spool_event(number: int = 0, *, size: int = 100) -> Event:
    """Return a validated callback that applies; each number has its own body."""
    body = b'{"number": %d, "padding": "%s"}' % (number, b"x" * size)

    return Event(
        sha256=hashlib.sha256(body).digest(),
        source="callback",
        body=body,
        received_at=datetime(2026, 4, 2, 12, 0, 0, 123456, tzinfo=UTC),
        job_id="job",
        account_id="AC1",
        head=HEAD,
        content_type="application/json; charset=utf-8",
        idempotency_token="token-1",
        key_id="auth-token-1",
        url="https://app.example.com/callbacks/transcription?bodySHA256=00",
        signature="c2lnbmF0dXJl",
        signature_settings=None,
    )


def without_validation(validated: Event) -> Event:
    """Return the event as it was before its validation."""
    return replace(validated, job_id=None, account_id=None, head=None, reason=None, detail=None)


def unsealed_file(event: Event) -> bytes:
    """Return the file of an event as earlier releases wrote it, and as anybody can write it."""
    head = {
        "format": 1,
        "sha256": event.sha256.hex(),
        "received_at": event.received_at.isoformat(),
        **{name: getattr(event, name) for name in COPIED_FIELDS},
    }
    content = json.dumps(head).encode() + b"\n" + event.body

    return content + hashlib.sha256(content).digest()


def file_names(spool: Spool) -> list[str]:
    """Return the names of all files in the folder."""
    return sorted(path.name for path in spool.path.iterdir())


def only_file(spool: Spool) -> Path:
    """Return the only file in the folder."""
    [path] = spool.path.iterdir()

    return path
