"""What Twilio answered: a document, or the error that stands for the lack of one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from receiver.twilio.errors import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError

# In seconds; whoever is told to wait longer than this asks again all the same.
_LONGEST_WAIT = 3600.0
# In characters and in number: a refusal is told to a client and to a terminal.
_LONGEST_DETAIL = 1000
_MOST_ERRORS = 100

# Of the 4xx these say that it may work another time.
_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY}
# These are the end of it whoever answers; any other that isn't in Twilio's form is some proxy's,
# and says nothing of what Twilio may have done when it was asked before.
_OF_CREDENTIALS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A success: the JSON object, its bytes as they came, and when to ask again, in seconds."""

    status: int
    document: dict[str, Any]
    body: bytes = field(repr=False)
    retry_after: float | None = None


def answer_of(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Return the answer; raises TwilioRefusedError, TwilioBusyError or TwilioUnavailableError."""
    document = _object(body)
    retry_after = seconds_of(headers.get("Retry-After"))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise TwilioBusyError(retry_after)
    if _is_refusal(status, document):
        raise _refused(status, document or {})
    if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
        raise TwilioUnavailableError(f"Twilio answered {status}.")
    if document is None:
        raise TwilioUnavailableError(
            f"Twilio answered {status} with something that is no JSON object."
        )

    return Answer(status=status, document=document, body=body, retry_after=retry_after)


def _is_refusal(status: int, document: Mapping[str, Any] | None) -> bool:
    if status in _OF_CREDENTIALS:
        return True
    is_final = 400 <= status < 500 and status not in _PASSING  # noqa: PLR2004 - HTTP's own numbers

    return is_final and document is not None and _code(document) is not None


def seconds_of(retry_after: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks to wait, in either of its forms."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    return min(max(0.0, (aware - datetime.now(UTC)).total_seconds()), _LONGEST_WAIT)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None

    return document if isinstance(document, dict) else None


def _refused(status: int, document: Mapping[str, Any]) -> TwilioRefusedError:
    """Read a problem document (RFC 9457), or the older form with a `message`."""
    told = [document.get(name) for name in ("detail", "message", "title")]
    detail = next((text for text in told if isinstance(text, str) and text), "It gave no reason.")
    errors = document.get("errors")
    faults = [_fault(item) for item in errors] if isinstance(errors, list) else []

    return TwilioRefusedError(
        status,
        _code(document),
        _text(detail),
        [fault for fault in faults if fault][:_MOST_ERRORS],
    )


def _code(document: Mapping[str, Any]) -> int | None:
    code = document.get("code")
    is_code = isinstance(code, int) and not isinstance(code, bool) and 0 < code < 10**6

    return code if is_code else None


def _text(told: str) -> str:
    """Return what was told as the store can keep it: it may hold NULs and lone surrogates."""
    return told[:_LONGEST_DETAIL].encode(errors="backslashreplace").decode().replace("\x00", "")


def _fault(item: object) -> dict[str, str]:
    members = item if isinstance(item, Mapping) else {}

    told = {
        name: _text(members[name])
        for name in ("detail", "pointer")
        if isinstance(members.get(name), str)
    }
    if "pointer" in told:  # it may be written as a fragment (RFC 6901, section 6)
        told["pointer"] = told["pointer"].removeprefix("#")

    return told
