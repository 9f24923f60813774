"""Finds Twilio's error code in the document of a job that FAILED."""

from typing import Any

# https://www.twilio.com/docs/api/errors
_MIN_CODE, _MAX_CODE = 10_000, 99_999


def error_code(document: dict[str, Any]) -> int | None:
    """Return the code, None if the document has none.

    Twilio doesn't document where a job has its error. So this looks where its other documents have
    one: in `error`, in the first of `errors`, and in the document itself.
    """
    errors = document.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    for place in (document.get("error"), first, document):
        if isinstance(place, dict):
            for name in ("code", "errorCode", "error_code"):
                if code := _to_code(place.get(name)):
                    return code

    return None


def _to_code(value: Any) -> int | None:
    """Return the value as a code; Twilio's codes have five digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 5:  # noqa: PLR2004 - see above
        value = int(value)
    is_code = type(value) is int and _MIN_CODE <= value <= _MAX_CODE

    return value if is_code else None
