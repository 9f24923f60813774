"""What all answers have in common: how a time is written, and what is left out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, missing


class Outbound(Schema):
    """An answer or a part of one. Clients must expect members that it doesn't have yet."""

    class Meta:
        """Describe the answer as open to additions."""

        unknown = EXCLUDE

    def get_attribute(self, obj: Mapping[str, Any], attr: str, default: Any) -> Any:
        """Leave a member that isn't required out while it is unknown; the others are null then."""
        value = obj.get(attr, default)

        return missing if value is None and not self.fields[attr].required else value


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
