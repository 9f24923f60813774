"""What all answers have in common: how a time is written, and what is left out."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, fields, post_dump


class Outbound(Schema):
    """An answer or a part of one. Clients must expect members that it doesn't have yet."""

    class Meta:
        """Describe the answer as open to additions."""

        unknown = EXCLUDE

    # Members that aren't nullable: they are left out while they are unknown.
    optional: ClassVar[Sequence[str]] = ()

    @post_dump
    def _leave_out(self, members: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {
            name: value
            for name, value in members.items()
            if value is not None or name not in self.optional
        }


class Timestamp(fields.DateTime):
    """A point in time in UTC and whole seconds; with a fraction Twilio's SDK leaves a string."""

    def _serialize(self, value: datetime | None, *_: Any, **__: Any) -> str | None:
        if value is None:
            return None

        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


class Url(fields.String):
    """An absolute URL."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"format": "uri"}, **kwargs)
