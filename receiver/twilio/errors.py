"""What may come of a call to Twilio instead of an answer; no text in here holds a secret."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from receiver.runtime.errors import ReceiverError
from schemas.submission import format_faults


class NotConfiguredError(ReceiverError):
    """The settings hold no credentials for calls to Twilio; the text names the variables."""


class TwilioRefusedError(ReceiverError):
    """Twilio said no (a 4xx other than 429), and will say so again.

    `code` is Twilio's (https://www.twilio.com/docs/api/errors), None where it gave none; `errors`
    holds `{"detail": …, "pointer": …}`, one for each fault that it points at.
    """

    def __init__(
        self,
        status: int,
        code: int | None,
        detail: str,
        errors: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        faults = format_faults(errors)
        told = faults if detail in faults else f"{detail} {faults}".strip()
        super().__init__(f"Twilio refused it ({status}, code {code}): {told}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = [dict(error) for error in errors]

    @property
    def is_of_credentials(self) -> bool:
        """Whether it is us whom Twilio refuses (401, 403), and so will whatever we ask."""
        return self.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class TwilioBusyError(ReceiverError):
    """Twilio takes no more for now (429): try again after `retry_after` seconds, if it told."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__("Twilio answers 429: too many requests.")
        self.retry_after = retry_after


class TwilioUnavailableError(ReceiverError):
    """Twilio gave no answer that could be used: nobody knows whether it did what was asked."""
