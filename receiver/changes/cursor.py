"""Cursors: where a consumer continues, as opaque text for a URL.

They are validated, but not signed: a cursor chooses only which changes are sent again or skipped,
of those that its API key may see. So it stays valid when keys are rotated.
"""

import enum
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from marshmallow import ValidationError

from receiver.runtime.errors import SafeMessageError
from receiver.store.changes.read import FIRST_PLACE, Place
from receiver.store.changes.snapshot import Snapshot
from receiver.web.opaque_tokens import NewerTokenError, decode_token, encode_token
from schemas.changes import CURSOR_VERSION, CursorToken

_TOKEN = CursorToken()


_NOW = "now"


class CursorError(SafeMessageError):
    """A cursor that can't be used here. The consumer has to start anew."""


class InvalidCursorError(CursorError):
    """The text isn't a cursor."""


class NewerCursorError(CursorError):
    """The cursor is of a newer release, which was rolled back."""


class Start(enum.Enum):
    """Where a consumer without a cursor starts."""

    BEGINNING = enum.auto()
    NOW = enum.auto()


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """What a consumer has seen in a history: all of `since`, and until `until` up to `after`."""

    history: str
    since: Snapshot
    until: Snapshot | None = None  # None between two sweeps
    after: Place = FIRST_PLACE


def encode(cursor: Cursor) -> str:
    """Return the cursor as text."""
    members: dict[str, Any] = {
        "v": CURSOR_VERSION,
        "h": cursor.history,
        "since": _numbers(cursor.since),
    }
    if cursor.until:
        writer, job_id = cursor.after
        members |= {"until": _numbers(cursor.until), "writer": writer, "id": job_id}

    return encode_token(members)


def decode(encoded: str) -> Cursor:
    """Return the cursor; raises InvalidCursorError and NewerCursorError."""
    try:
        token = _TOKEN.load(decode_token(encoded, version_member="v", version=CURSOR_VERSION))
        since = _snapshot(token["since"])
        if "until" not in token:
            return Cursor(history=token["history"], since=since)
        return Cursor(
            history=token["history"],
            since=since,
            until=_snapshot(token["until"]),
            after=(token["writer"], token["job_id"]),
        )
    except NewerTokenError:
        raise NewerCursorError(
            "A newer release of this service made the cursor. Start anew without a cursor; jobs "
            "that were sent before are sent again."
        ) from None
    except (ValueError, KeyError, ValidationError):
        raise InvalidCursorError(
            "Not a cursor of this feed; send the last nextCursor as it was."
        ) from None


def parse_start(encoded: str | None) -> Cursor | Start:
    """Return where to start: at a cursor, now, or without a text at the beginning.

    Raises InvalidCursorError and NewerCursorError.
    """
    if encoded is None:
        return Start.BEGINNING

    return Start.NOW if encoded == _NOW else decode(encoded)


def _numbers(snapshot: Snapshot) -> list[int]:
    """Return the snapshot's end, and the gaps down to each transaction: they are short numbers."""
    descending = [snapshot.end, *reversed(snapshot.in_progress)]

    return [snapshot.end, *(higher - lower for higher, lower in pairwise(descending))]


def _snapshot(numbers: list[int]) -> Snapshot:
    end, *gaps = numbers
    descending = list(accumulate(gaps, int.__sub__, initial=end))[1:]
    if descending and descending[-1] < 0:
        raise ValueError("a number below zero")

    return Snapshot(end, tuple(reversed(descending)))
