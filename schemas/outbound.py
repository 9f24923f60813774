"""What all responses share: the format of timestamps, and which members are omitted."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import INCLUDE, Schema, fields, missing


class Outbound(Schema):
    """A response or a part of one. Clients must ignore members that they don't know."""

    class Meta:
        """Document the response as open to additional members.

        Clients that openapi-generator makes for Go and Java refuse unknown members otherwise.
        """

        unknown = INCLUDE

    def get_attribute(self, obj: Mapping[str, Any], attr: str, default: Any) -> Any:
        """Return the value to write: without one, an optional member is omitted."""
        value = obj.get(attr, default)

        return missing if value is None and not self.fields[attr].required else value


class Timestamp(fields.DateTime):
    """A time in UTC and whole seconds: Twilio's SDK doesn't parse fractions of seconds."""

    def _serialize(self, value: datetime | None, *_: Any, **__: Any) -> str | None:
        if value is None:
            return None

        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


class Url(fields.String):
    """An absolute URL."""

    def __init__(self, *, description: str | None = None, **kwargs: Any) -> None:
        described = {"description": description} if description else {}
        super().__init__(metadata={"format": "uri", **described}, **kwargs)
