"""The format of a spooled file: a head of one line of JSON, the raw body, a SHA-256 of both.

The head has what validation needs, but not its result. The event is validated again when the file
is moved into the ledger, with the code and the settings of that time.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

from receiver.runtime.errors import ReceiverError
from receiver.store.event import Event

FORMAT_VERSION = 1

_CHECKSUM_BYTES = hashlib.sha256().digest_size
COPIED_FIELDS = (
    "source",
    "content_type",
    "idempotency_token",
    "key_id",
    "url",
    "signature",
    "signature_settings",
)


class CorruptFileError(ReceiverError):
    """The file can't be decoded; the message continues a sentence that begins with "it"."""


def encode(event: Event) -> bytes:
    """Return the content of the event's file, without the results of validation."""
    head: dict[str, Any] = {
        "format": FORMAT_VERSION,
        "sha256": event.sha256.hex(),
        "received_at": event.received_at.isoformat(),
    }
    head |= {name: getattr(event, name) for name in COPIED_FIELDS}
    content = json.dumps(head).encode() + b"\n" + event.body

    return content + hashlib.sha256(content).digest()


def decode(data: bytes) -> Event:
    """Return the event of a file's content, before validation.

    Raises CorruptFileError if the file was truncated or changed, or written by a newer release.
    """
    content, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if hashlib.sha256(content).digest() != checksum:
        raise CorruptFileError("was truncated or changed: its checksum is wrong")
    line, _, body = content.partition(b"\n")
    head = json.loads(line)
    if head["format"] != FORMAT_VERSION:
        raise CorruptFileError(
            f"has format {head['format']}, but this release reads {FORMAT_VERSION}"
        )

    return Event(
        sha256=bytes.fromhex(head["sha256"]),
        body=body,
        received_at=datetime.fromisoformat(head["received_at"]),
        job_id=None,
        account_id=None,
        **{name: head[name] for name in COPIED_FIELDS},
    )
