"""Fields with values that a Postgres column can store."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import ValidationError, fields, validate

# Python and Postgres can express every time between these in any time zone.
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)

# A time with nanoseconds and an offset has 35.
_MAX_TIME_CHARACTERS = 64
_LEAP_SECOND = re.compile(r"\A([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:)60(?=[^0-9]|\Z)")

MAX_TEXT_CHARACTERS = 8192  # presigned URLs are the longest useful texts

# One composite value's nesting, and its size in characters and elements. A list page contains a
# hundred of these values.
_MAX_DEPTH = 32
_MAX_SIZE = 65_536

INT_MAX = 2**31 - 1

STATUSES = ("PENDING", "RUNNING", "COMPLETED", "FAILED")
# Every id that is accepted.
ID_PATTERN = "[A-Za-z0-9_-]{1,128}"
_IDENTIFIER = re.compile(rf"{ID_PATTERN}\Z")


def is_storable(text: str) -> bool:
    """Return whether Postgres can store the text: without NUL and lone surrogates."""
    return "\x00" not in text and (text.isascii() or not _has_surrogate(text))


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True

    return False


def require_storable(text: str) -> None:
    """Raise ValidationError for a text that Postgres can't store."""
    if not is_storable(text):
        raise ValidationError("Contains a NUL character or a lone surrogate.")


class Identifier(fields.String):
    """An id that fits into a URL and an index. Twilio's own patterns are not checked."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Regexp(_IDENTIFIER), **kwargs)

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Return a valid id at once: a callback has five, and marshmallow takes ten calls each."""
        if isinstance(value, str) and _IDENTIFIER.match(value):
            return value

        return super().deserialize(value, *args, **kwargs)


class Text(fields.String):
    """A string of at most MAX_TEXT_CHARACTERS that Postgres can store."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > MAX_TEXT_CHARACTERS:
            raise ValidationError(f"Longer than {MAX_TEXT_CHARACTERS} characters.")
        require_storable(text)

        return text


class Status(fields.String):
    """A job's status, in upper or lower case; loaded in upper case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(STATUSES), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return super()._deserialize(value, attr, data, **kwargs).upper()


class UtcDateTime(fields.AwareDateTime):
    """A time, loaded in UTC; without an offset it is read as UTC.

    A leap second is the first second of the next minute, as in Postgres. Digits after microseconds
    are dropped.
    """

    def __init__(self, *, overflow: str = "Out of range.", **kwargs: Any) -> None:
        super().__init__(format="iso", default_timezone=UTC, **kwargs)
        self.overflow = overflow

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        leap = timedelta()
        try:
            moment = super()._deserialize(value, attr, data, **kwargs)
        except ValidationError:
            # RFC 3339 also allows lower case, and a second 60. Python reads neither.
            rewritten, is_leap = _rewrite_time(value)
            moment = super()._deserialize(rewritten, attr, data, **kwargs)
            leap = timedelta(seconds=is_leap)
        try:
            return moment.astimezone(UTC) + leap
        except OverflowError as error:
            raise ValidationError(self.overflow) from error


def _rewrite_time(value: Any) -> tuple[Any, bool]:
    """Return a time as Python reads it, and whether its second 60 became a second 59."""
    if not isinstance(value, str) or len(value) > _MAX_TIME_CHARACTERS:
        return value, False
    rewritten, leap_seconds = _LEAP_SECOND.subn(r"\g<1>59", value.upper())

    return rewritten, leap_seconds > 0


class StorableDateTime(UtcDateTime):
    """A time that every time zone can express."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        moment = super()._deserialize(value, attr, data, **kwargs)
        if not _EARLIEST <= moment <= _LATEST:
            raise ValidationError("Before 1970 or after 9998.")

        return moment


class Composite(fields.Field[Any]):
    """A JSON value stored as a whole, with unknown members, up to a depth and size."""

    def __init__(self, kind: type[list[Any]] | type[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        if not isinstance(value, self.kind):
            raise ValidationError(f"Not {'an array' if self.kind is list else 'an object'}.")
        if self.kind is list and not all(isinstance(item, dict) for item in value):
            raise ValidationError("Not an array of objects.")
        measure(value)

        return value


def measure(value: Any, max_size: int = _MAX_SIZE) -> int:
    """Return the size of a JSON value in characters and elements.

    Raises ValidationError for a value that is larger, too deeply nested, or not storable. The check
    stops at the first violation.
    """
    size = 0
    texts: list[str] = []
    level = [value]
    for _ in range(1 + _MAX_DEPTH):
        next_level: list[Any] = []
        for item in level:
            if isinstance(item, str):
                texts.append(item)
                size += 1 + len(item)
            elif isinstance(item, dict | list):
                next_level += item
                next_level += item.values() if isinstance(item, dict) else ()
                size += 1
            else:
                size += _scalar_size(item)
            if size + len(next_level) > max_size:
                raise ValidationError(f"Larger than {max_size} characters and elements.")
        if not next_level:
            require_storable("".join(texts))
            return size
        level = next_level

    raise ValidationError(f"Nested deeper than {_MAX_DEPTH} levels.")


def _scalar_size(value: float | None) -> int:
    if value is None:
        return 1
    # Python writes an infinite float as a word that isn't JSON, and a huge int with all its digits.
    if not -(10.0**300) < value < 10.0**300:
        raise ValidationError("Contains a number out of range.")

    return 1 + value.bit_length() // 3 if isinstance(value, int) else 24
