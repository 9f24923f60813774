"""What all responses share: the format of timestamps, and which members are omitted."""

from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from marshmallow import INCLUDE, Schema, fields, missing


class Outbound(Schema):
    """A response or a part of one. Clients must ignore members that they don't know."""

    class Meta:
        """Document the response as open to additional members.

        Clients that openapi-generator makes for Go and Java refuse unknown members otherwise.
        """

        unknown = INCLUDE

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        """Return what marshmallow returns, in less of its time, for one mapping or for many.

        Without a value, an optional member is omitted. Most members of a job are plain values or
        have none, and marshmallow calls four functions for each.
        """
        if many:
            return [self.dump(each, many=False) for each in obj]
        dumped = {}
        for name, key, field, plain_type in self._members:
            value = obj.get(name, missing)
            if type(value) is not plain_type:
                if value is missing or (value is None and not field.required):
                    continue
                # What marshmallow calls when it has found the value.
                value = field._serialize(value, name, obj)  # noqa: SLF001
            dumped[key] = value

        return dumped

    @cached_property
    def _members(self) -> list[tuple[str, str, fields.Field[Any], type | None]]:
        """The name, the JSON name and the field of each member, and the type of its plain values.

        Plain values are written as they are.
        """
        return [
            (name, field.data_key or name, field, _PLAIN_TYPES.get(type(field)))
            for name, field in self.dump_fields.items()
        ]


class Timestamp(fields.DateTime):
    """A time in UTC and whole seconds: Twilio's SDK doesn't parse fractions of seconds."""

    def _serialize(self, value: datetime | None, *_: Any, **__: Any) -> str | None:
        if value is None:
            return None

        return value.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


class Url(fields.String):
    """An absolute URL."""

    def __init__(self, *, description: str | None = None, **kwargs: Any) -> None:
        described = {"description": description} if description else {}
        super().__init__(metadata={"format": "uri", **described}, **kwargs)


_PLAIN_TYPES = {fields.String: str, Url: str, fields.Integer: int, fields.Boolean: bool}
