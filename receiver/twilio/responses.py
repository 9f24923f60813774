"""Parses Twilio's responses: each is a JSON document or one of the errors of errors.py."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from receiver.runtime.retry_after import parse_retry_after
from receiver.twilio.errors import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError

# A longer Retry-After is reduced to this.
_MAX_RETRY_AFTER_SECONDS = 3600.0
# Refusals are shown to clients and on terminals.
_MAX_DETAIL_CHARACTERS = 1000
_MAX_ERRORS_COUNT = 100

_TRANSIENT_4XX = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY}
# These are final in any form. Any other 4xx that isn't in Twilio's form comes from a proxy, and
# doesn't say what Twilio did with an earlier request.
_CREDENTIALS_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


@dataclass(frozen=True, kw_only=True)
class TwilioResponse:
    """A successful response: the JSON object, its exact bytes, and its Retry-After."""

    status: int
    document: dict[str, Any]
    body: bytes = field(repr=False)
    retry_after_seconds: float | None = None


def parse_response(status: int, headers: Mapping[str, str], body: bytes) -> TwilioResponse:
    """Return a success; raise TwilioRefusedError, TwilioBusyError or TwilioUnavailableError."""
    document = _json_object(body)
    retry_after_seconds = parse_retry_after(headers, max_seconds=_MAX_RETRY_AFTER_SECONDS)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise TwilioBusyError(retry_after_seconds)
    if _is_refusal(status, document):
        raise _refusal(status, document or {})
    if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
        raise TwilioUnavailableError(f"Twilio answered {status}.")
    if document is None:
        raise TwilioUnavailableError(f"Twilio answered {status} without a JSON object.")

    return TwilioResponse(
        status=status, document=document, body=body, retry_after_seconds=retry_after_seconds
    )


def _is_refusal(status: int, document: Mapping[str, Any] | None) -> bool:
    if status in _CREDENTIALS_REFUSED:
        return True
    is_final = 400 <= status < 500 and status not in _TRANSIENT_4XX  # noqa: PLR2004 - HTTP's own numbers

    return is_final and document is not None and _code(document) is not None


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None

    return document if isinstance(document, dict) else None


def _refusal(status: int, document: Mapping[str, Any]) -> TwilioRefusedError:
    """Read a problem document (RFC 9457), or Twilio's older form with a `message`."""
    texts = [document.get(name) for name in ("detail", "message", "title")]
    detail = next((text for text in texts if isinstance(text, str) and text), "It gave no reason.")
    errors = document.get("errors")
    faults = [_fault(error) for error in errors] if isinstance(errors, list) else []

    return TwilioRefusedError(
        status,
        _code(document),
        _storable(detail),
        [fault for fault in faults if fault][:_MAX_ERRORS_COUNT],
    )


def _code(document: Mapping[str, Any]) -> int | None:
    code = document.get("code")
    is_code = isinstance(code, int) and not isinstance(code, bool) and 0 < code < 10**6

    return code if is_code else None


def _fault(error: object) -> dict[str, str]:
    members = error if isinstance(error, Mapping) else {}
    fault = {
        name: _storable(members[name])
        for name in ("detail", "pointer")
        if isinstance(members.get(name), str)
    }
    pointer = fault.get("pointer", "")
    if pointer.startswith("#"):  # it is written as a URI fragment (RFC 6901, section 6)
        fault["pointer"] = _storable(unquote(pointer[1:]))

    return fault


def _storable(text: str) -> str:
    """Return the text as Postgres can store it: without NULs and lone surrogates."""
    cut = text[:_MAX_DETAIL_CHARACTERS]

    return cut.encode(errors="backslashreplace").decode().replace("\x00", "")
