"""Fields of query parameters, which page tokens use too."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import fields, validate

from schemas.storable import UtcDateTime, require_storable

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 100
MAX_FILTER_CHARACTERS = 128
MAX_CURSOR_CHARACTERS = 7_000
MAX_WAIT_SECONDS = 6


class DateTimeParameter(UtcDateTime):
    """A time with microseconds, of any year."""

    def __init__(self, **kwargs: Any) -> None:
        fault = "Must be a time like 2026-04-02T19:25:20Z; write the + of an offset as %2B."
        super().__init__(overflow=fault, error_messages={"invalid": fault}, **kwargs)


class TextParameter(fields.String):
    """Text to compare with a column; short enough for a page token."""

    def __init__(
        self,
        *,
        metadata: Mapping[str, Any] | None = None,
        max_characters: int = MAX_FILTER_CHARACTERS,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            validate=validate.Length(1, max_characters),
            metadata={"pattern": r"^[^\u0000]*$", **(metadata or {})},
            **kwargs,
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        require_storable(text)

        return text


class AddressParameter(TextParameter):
    """The address of a participant, usually a phone number."""

    def __init__(self, **kwargs: Any) -> None:
        # A + that is not escaped is read as a space.
        fault = "Must not begin with a space; write the + of a number as %2B."
        super().__init__(**kwargs)
        self.validators.append(validate.Regexp(r"([^ ][\s\S]*)?\Z", error=fault))


class _Capped(fields.Integer):
    """A whole number; one above the maximum becomes the maximum."""

    _pattern: ClassVar[str]  # with the digits after leading zeros
    _maximum: ClassVar[int]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> int:  # noqa: ARG002 - marshmallow's signature
        # int() alone would also accept "1_0", " 10" and digits of other scripts.
        digits = re.fullmatch(self._pattern, str(value))
        if not digits:
            raise self.make_error("invalid")

        # Nine digits show that it is above the maximum; int() rejects thousands of digits.
        return min(int(digits[1][:9]), self._maximum)


class PageSize(_Capped):
    """A number of rows."""

    _pattern = "0*([1-9][0-9]*)"
    _maximum = MAX_PAGE_SIZE

    def __init__(self, **kwargs: Any) -> None:
        fault = f"Must be a whole number, 1 or more; at most {MAX_PAGE_SIZE} rows are returned."
        super().__init__(error_messages={"invalid": fault}, **kwargs)


class WaitSeconds(_Capped):
    """A number of seconds to wait."""

    _pattern = "0*([0-9]+)"
    _maximum = MAX_WAIT_SECONDS

    def __init__(self, **kwargs: Any) -> None:
        fault = f"Must be a whole number of seconds; at most {MAX_WAIT_SECONDS} are waited."
        super().__init__(error_messages={"invalid": fault}, **kwargs)
