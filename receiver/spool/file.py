"""A spooled callback as a file: a head of one line of JSON, the raw body, and a checksum of both.

The head holds all that judging takes, and nothing that was judged: that is done anew, by the code
and the settings of the day on which the file is moved into the ledger.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

from receiver.runtime.errors import ReceiverError
from receiver.store.event import Event

FORMAT = 1

_CHECKSUM_BYTES = hashlib.sha256().digest_size
AS_THEY_ARE = (
    "source",
    "content_type",
    "idempotency_token",
    "key_id",
    "url",
    "signature",
    "signature_settings",
)


class CorruptFileError(ReceiverError):
    """The file holds no callback that could be read; the message goes on after "it"."""


def encode(event: Event) -> bytes:
    """Return the file that holds the event as it was before it was judged."""
    head: dict[str, Any] = {
        "format": FORMAT,
        "sha256": event.sha256.hex(),
        "received_at": event.received_at.isoformat(),
    }
    head |= {name: getattr(event, name) for name in AS_THEY_ARE}
    content = json.dumps(head).encode() + b"\n" + event.body

    return content + hashlib.sha256(content).digest()


def decode(data: bytes) -> Event:
    """Return the event that the file holds, yet to be judged.

    Raises Damaged for one that was cut short or changed, or that a newer release wrote.
    """
    content, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if hashlib.sha256(content).digest() != checksum:
        raise CorruptFileError("was cut short or changed: its checksum is wrong")
    line, _, body = content.partition(b"\n")
    head = json.loads(line)
    if head["format"] != FORMAT:
        raise CorruptFileError(f"has format {head['format']}, and this release reads {FORMAT}")

    return Event(
        sha256=bytes.fromhex(head["sha256"]),
        body=body,
        received_at=datetime.fromisoformat(head["received_at"]),
        job_id=None,
        account_id=None,
        **{name: head[name] for name in AS_THEY_ARE},
    )
