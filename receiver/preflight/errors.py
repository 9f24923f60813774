"""Issues with a media file, each with the error code that Twilio would report."""

from dataclasses import dataclass
from enum import IntEnum

from receiver.runtime.errors import ReceiverError


class ErrorCode(IntEnum):
    """Twilio's error codes for media: `https://www.twilio.com/docs/api/errors/{code}`."""

    INVALID_URL = 17550
    DOWNLOAD_FAILED = 17551
    NOT_FOUND = 17552
    FORBIDDEN = 17553
    TOO_SHORT = 17554
    TOO_LONG = 17555
    NOT_SUPPORTED = 17556
    LOW_SAMPLE_RATE = 17557
    CORRUPTED = 17558
    TOO_MANY_CHANNELS = 17559
    TOO_LARGE = 17560


@dataclass(frozen=True, slots=True)
class Issue:
    """One reason why the transcription would fail.

    `text` is for people. It contains at most the host of the URL, because a URL often contains
    credentials.
    """

    code: ErrorCode
    text: str

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


class PreflightBusyError(ReceiverError):
    """The check did not start: too many others are running, or DNS does not respond."""


class MediaError(ReceiverError):
    """The file can't be read; `issue` says why."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        self.issue = Issue(code, text)
        super().__init__(str(self.issue))
