"""The errors of calls to Twilio; no message contains a secret."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from receiver.runtime.errors import ReceiverError
from schemas.submission import format_faults


class NotConfiguredError(ReceiverError):
    """The settings have no credentials for calls to Twilio; the message names the variables."""


class TwilioRefusedError(ReceiverError):
    """Twilio refused the request (a 4xx other than 429); a repeated request would be refused too.

    `code` is Twilio's (https://www.twilio.com/docs/api/errors), None if the response has none.
    `errors` contains one `{"detail": …, "pointer": …}` for each fault of the request.
    """

    def __init__(
        self,
        status: int,
        code: int | None,
        detail: str,
        errors: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        faults = format_faults(errors)
        reasons = faults if detail in faults else f"{detail} {faults}".strip()
        super().__init__(f"Twilio refused it ({status}, code {code}): {reasons}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = [dict(error) for error in errors]

    @property
    def is_credentials_error(self) -> bool:
        """Whether our credentials were refused (401, 403), as they would be for other requests."""
        return self.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class TwilioBusyError(ReceiverError):
    """Twilio accepts no more requests for now (429).

    `retry_after_seconds` is its Retry-After, None if the response has none.
    """

    def __init__(self, retry_after_seconds: float | None) -> None:
        super().__init__("Twilio answers 429: too many requests.")
        self.retry_after_seconds = retry_after_seconds


class TwilioUnavailableError(ReceiverError):
    """There was no usable response: it is unknown whether Twilio did what was requested."""
