"""Where an export is: the job that was written last, what was written so far, and the end."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from marshmallow import ValidationError

from receiver.runtime.errors import SafeMessageError
from receiver.store.page import EARLIEST
from receiver.web.opaque_tokens import NewerTokenError, decode_token, encode_token
from schemas.export import CURSOR_VERSION, ExportCursor

_CURSOR = ExportCursor()


class CursorError(SafeMessageError):
    """The text isn't a cursor of an export."""


class NewerCursorError(CursorError):
    """The cursor is of a newer release, which was rolled back."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What was exported: `jobs` were written; `erased` ones were left out.

    A cursor has them in this order.
    """

    jobs: int = 0
    transcripts: int = 0
    erased: int = 0
    expired: int = 0
    unreadable: int = 0

    def plus(self, **added: int) -> "Counts":
        """Return the counts with these added."""
        return replace(self, **{name: getattr(self, name) + n for name, n in added.items()})

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in an export. Its cursor contains all of it, so an export can be continued anywhere.

    New jobs don't make an export endless, because `until` stays the same.
    """

    until: datetime  # excluded
    at: datetime = EARLIEST  # `sort_at` of the last job
    id: str = ""
    counts: Counts = Counts()

    def limited(self, since: datetime | None, until: datetime) -> "Position":
        """Return the position with these limits too: `since` is included, `until` is not."""
        limited = replace(self, until=min(self.until, until))
        if since is None or since <= self.at:
            return limited

        return replace(limited, at=since, id="")

    def after(self, job: Mapping[str, Any], **counted: int) -> "Position":
        """Return the position after this job, which counts as these."""
        return replace(self, at=job["sort_at"], id=job["id"], counts=self.counts.plus(**counted))

    def cursor(self) -> str:
        """Return the position as an opaque text."""
        members = {
            "version": CURSOR_VERSION,
            "at": self.at,
            **({"id": self.id} if self.id else {}),
            "until": self.until,
            "counts": list(self.counts.as_dict().values()),
        }

        return encode_token(_CURSOR.dump(members))


def parse_cursor(text: str) -> Position:
    """Return the position of a cursor; raises CursorError, and of it NewerCursorError."""
    try:
        members = _CURSOR.load(decode_token(text, version_member="v", version=CURSOR_VERSION))
    except NewerTokenError:
        raise NewerCursorError(
            "A newer release of this service made the cursor; export again without it."
        ) from None
    except (ValueError, ValidationError):
        raise CursorError("Not a cursor of an export; start again without it.") from None

    return Position(
        until=members["until"],
        at=members["at"],
        id=members.get("id", ""),
        counts=Counts(*members["counts"]),
    )
