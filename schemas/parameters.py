"""Parameters' fields: they read what a query's text, or a page token, says."""

import re
from typing import Any

from marshmallow import fields, validate

from schemas.storable import UtcDateTime, require_storable

PAGE_SIZE = 50
MAX_PAGE_SIZE = 100


class Instant(UtcDateTime):
    """A point in time to the microsecond, of any year."""

    def __init__(self, **kwargs: Any) -> None:
        fault = "Must be a time like 2026-04-02T19:25:20Z; write the + of an offset as %2B."
        super().__init__(overflow=fault, error_messages={"invalid": fault}, **kwargs)


class Words(fields.String):
    """Text that a column can be compared with; no longer than what fits into a page token."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(1, 128), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        require_storable(text)

        return text


class PageSize(fields.Integer):
    """A count of rows; what exceeds the maximum is clamped to it."""

    def __init__(self, **kwargs: Any) -> None:
        fault = f"Must be a whole number, 1 or more; more than {MAX_PAGE_SIZE} counts as that."
        super().__init__(error_messages={"invalid": fault}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> int:  # noqa: ARG002 - marshmallow's signature
        # int() alone would read "1_0", " 10" and other scripts' digits too.
        digits = re.fullmatch("0*([1-9][0-9]*)", str(value))
        if not digits:
            raise self.make_error("invalid")

        # Nine digits tell that it is too many; int() refuses thousands of them.
        return min(int(digits[1][:9]), MAX_PAGE_SIZE)
