"""Fields for values from outside that a Postgres column must be able to keep."""

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

# Every timestamp within can be expressed in any time zone, by Python and by Postgres alike.
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)

_DEEPEST = 32
# Of all text and all elements of one composite value: a list page holds a hundred of them.
_LARGEST = 65_536

INT_MAX = 2**31 - 1

STATUSES = ("PENDING", "RUNNING", "COMPLETED", "FAILED")
# All that is taken for an id.
ID_PATTERN = "[A-Za-z0-9_-]{1,128}"


def is_storable(text: str) -> bool:
    """Tell whether Postgres can keep the text: no NUL and no lone surrogate."""
    return "\x00" not in text and (text.isascii() or not _has_surrogate(text))


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True

    return False


def require_storable(text: str) -> None:
    """Raise ValidationError for a text that Postgres can't keep."""
    if not is_storable(text):
        raise ValidationError("Holds a NUL character or a lone surrogate.")


class Identifier(fields.String):
    """An id: whatever Twilio's pattern for it is, it fits into a URL and into an index."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Regexp(rf"{ID_PATTERN}\Z"), **kwargs)


class Text(fields.String):
    """A string of at most 8192 characters that Postgres can keep."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > 8192:  # noqa: PLR2004 - a presigned URL is the longest that makes sense
            raise ValidationError("Longer than 8192 characters.")
        require_storable(text)

        return text


class Status(fields.String):
    """A job's status, in any case; loaded in upper case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(STATUSES), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return super()._deserialize(value, attr, data, **kwargs).upper()


class UtcDateTime(fields.AwareDateTime):
    """A point in time, in UTC; one without an offset is taken to be UTC already."""

    def __init__(self, *, overflow: str = "Out of range.", **kwargs: Any) -> None:
        super().__init__(format="iso", default_timezone=UTC, **kwargs)
        self.overflow = overflow

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        moment = super()._deserialize(value, attr, data, **kwargs)
        try:
            return moment.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError(self.overflow) from error


class Moment(UtcDateTime):
    """A point in time that every time zone can express."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        moment = super()._deserialize(value, attr, data, **kwargs)
        if not _EARLIEST <= moment <= _LATEST:
            raise ValidationError("Before 1970 or after 9998.")

        return moment


class Composite(fields.Field[Any]):
    """A JSON value kept whole, unknown members too, with a bounded depth and size."""

    def __init__(self, kind: type[list[Any]] | type[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - marshmallow's signature
        if not isinstance(value, self.kind):
            raise ValidationError(f"Not {'an array' if self.kind is list else 'an object'}.")
        if self.kind is list and not all(isinstance(item, dict) for item in value):
            raise ValidationError("Not an array of objects.")
        _require_small(value)

        return value


def _require_small(value: Any) -> None:
    """Raise ValidationError for what has too many characters and elements, or is nested too deep.

    Or for what Postgres's JSON can't keep. It looks no further than it takes to say so.
    """
    size = 0
    texts: list[str] = []
    waiting = [(value, _DEEPEST)]
    while waiting:
        item, depth = waiting.pop()
        inner: list[Any] = []
        if isinstance(item, str):
            texts.append(item)
            size += 1 + len(item)
        elif isinstance(item, dict | list):
            inner = [*item, *item.values()] if isinstance(item, dict) else item
            size += 1
        else:
            size += _scalar_size(item)
        if size + len(inner) > _LARGEST:
            raise ValidationError(f"Larger than {_LARGEST} characters and elements.")
        if inner and depth == 0:
            raise ValidationError(f"Nested more than {_DEEPEST} deep.")
        waiting += [(element, depth - 1) for element in inner]
    require_storable("".join(texts))


def _scalar_size(value: float | None) -> int:
    if value is None:
        return 1
    # Python writes an infinite float as a word that is no JSON, and a huge int in a million digits.
    if not -(10.0**300) < value < 10.0**300:
        raise ValidationError("Holds a number out of range.")

    return 1 + value.bit_length() // 3 if isinstance(value, int) else 24
