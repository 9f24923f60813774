"""The format of a spooled file: a head of one line of JSON, the raw body, the seal, a SHA-256.

The head has what validation needs, but not its result. The event is validated again when the file
is moved into the ledger, with the code and the settings of that time. The seal proves that the
service wrote the file. The SHA-256 of everything before it distinguishes a damaged file from a
forged one.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

from receiver.spool.errors import CorruptFileError, RefusedFileError
from receiver.spool.seal import CODE_BYTES, Seal
from receiver.store.event import Event

FORMAT_VERSION = 2
UNSEALED_VERSION = 1  # of earlier releases

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


def encode(event: Event, seal: Seal) -> bytes:
    """Return the content of the event's file, without the results of validation."""
    head: dict[str, Any] = {
        "format": FORMAT_VERSION,
        "codes": len(seal.keys),
        "sha256": event.sha256.hex(),
        "received_at": event.received_at.isoformat(),
    }
    head |= {name: getattr(event, name) for name in COPIED_FIELDS}
    content = json.dumps(head).encode() + b"\n" + event.body
    sealed = content + b"".join(seal.codes(content))

    return sealed + hashlib.sha256(sealed).digest()


def decode(data: bytes, seal: Seal) -> Event:
    """Return the event of a file's content, before validation.

    Raises CorruptFileError if the file was truncated or changed, or written by a newer release;
    RefusedFileError if the seal doesn't prove it.
    """
    sealed, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if hashlib.sha256(sealed).digest() != checksum:
        raise CorruptFileError("was truncated or changed: its checksum is wrong")
    try:
        head = json.loads(sealed.partition(b"\n")[0])
        version, code_count = head["format"], head.get("codes", 0)
        if version in {UNSEALED_VERSION, FORMAT_VERSION}:
            content, codes = _split_codes(sealed, code_count if version == FORMAT_VERSION else 0)
            event = _make_event(head, content.partition(b"\n")[2])
    # Anybody can compute the checksum of anything.
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RefusedFileError("is not a spooled callback") from None
    if version not in {UNSEALED_VERSION, FORMAT_VERSION}:
        raise CorruptFileError(f"has format {version}, but this release reads {FORMAT_VERSION}")
    if not seal.proves(event, content, codes):
        raise RefusedFileError("is not sealed with a current key, and its signature doesn't verify")

    return event


def _split_codes(sealed: bytes, count: int) -> tuple[bytes, list[bytes]]:
    if not 0 <= count * CODE_BYTES <= len(sealed):
        raise ValueError(count)
    start = len(sealed) - count * CODE_BYTES
    positions = range(start, len(sealed), CODE_BYTES)

    return sealed[:start], [sealed[position : position + CODE_BYTES] for position in positions]


def _make_event(head: dict[str, Any], body: bytes) -> Event:
    copied = {name: head[name] for name in COPIED_FIELDS}
    received_at = datetime.fromisoformat(head["received_at"])
    if received_at.tzinfo is None or {type(value) for value in copied.values()} - {str, type(None)}:
        raise TypeError

    return Event(
        sha256=bytes.fromhex(head["sha256"]),
        body=body,
        received_at=received_at,
        job_id=None,
        account_id=None,
        **copied,
    )
