"""What would fail, under the error code that Twilio would give."""

from dataclasses import dataclass
from enum import IntEnum

from receiver.runtime.errors import ReceiverError


class Code(IntEnum):
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
class Fault:
    """One reason why the transcription would fail.

    `text` tells it to people. It names the host at most, for a URL often carries a credential.
    """

    code: Code
    text: str

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


class PreflightBusyError(ReceiverError):
    """Nothing was looked at: too much is, or the system's resolver gives no answers."""


class MediaError(ReceiverError):
    """There is nothing to read; `fault` says why."""

    def __init__(self, code: Code, text: str) -> None:
        self.fault = Fault(code, text)
        super().__init__(str(self.fault))
