"""Checks a mediaUrl: reports what would fail at Twilio, before the transcription is paid for.

Import it late: the web process must start without the audio library.
"""

import ssl
from collections.abc import Iterator
from http.client import HTTPException

from receiver.preflight.address_policy import AddressPolicy
from receiver.preflight.audio import AudioProperties, read_audio_properties
from receiver.preflight.download import open_remote_file
from receiver.preflight.errors import ErrorCode, Issue, MediaError
from receiver.preflight.remote_file import RemoteFile
from receiver.runtime.deadline import Deadline

TIMEOUT_SECONDS = 8.0
# Twilio's limits.
MAX_SIZE_BYTES = 3 * 2**30
MIN_DURATION_SECONDS, MAX_DURATION_SECONDS = 2, 8 * 3600
MIN_SAMPLE_RATE_HZ = 8000
MAX_CHANNEL_COUNT = 2


def check(
    url: str, *, timeout_seconds: float = TIMEOUT_SECONDS, policy: AddressPolicy | None = None
) -> list[Issue]:
    """Return what would fail. Only the needed part of the file is read, within the timeout.

    An empty list is no guarantee: if the headers don't contain something, or can't be read, it is
    not reported. Raises PreflightBusyError if too many host lookups are running.
    """
    deadline = Deadline(timeout_seconds)
    try:
        with open_remote_file(url, policy=policy or AddressPolicy(), deadline=deadline) as file:
            return list(_file_issues(file)) if file else []
    except MediaError as error:
        return [error.issue]
    except TimeoutError:
        text = f"no complete response within {timeout_seconds:.2g} s"
    except ssl.SSLCertVerificationError as error:
        text = f"its certificate is not trusted: {error.verify_message}"
    except (OSError, HTTPException) as error:
        text = f"there was no valid response ({type(error).__name__})"

    return [Issue(ErrorCode.DOWNLOAD_FAILED, text)]


def _file_issues(file: RemoteFile) -> Iterator[Issue]:
    try:
        properties = read_audio_properties(file)
    except MediaError as error:
        yield error.issue
    else:
        yield from _audio_issues(properties) if properties else ()
    # Checked last: a streamed file's size may be known only after reading.
    if file.size is not None and file.size > MAX_SIZE_BYTES:
        yield Issue(ErrorCode.TOO_LARGE, f"it has {file.size / 2**30:.1f} GiB, more than 3")


def _audio_issues(audio: AudioProperties) -> Iterator[Issue]:
    rate, channel_count = audio.sample_rate_hz, audio.channel_count
    seconds = audio.duration_seconds
    if rate < MIN_SAMPLE_RATE_HZ:
        yield Issue(ErrorCode.LOW_SAMPLE_RATE, f"its sample rate is {rate} Hz, below 8000")
    if channel_count > MAX_CHANNEL_COUNT:
        yield Issue(ErrorCode.TOO_MANY_CHANNELS, f"it has {channel_count} channels, more than 2")
    if seconds is None:
        return
    if seconds < MIN_DURATION_SECONDS:
        yield Issue(ErrorCode.TOO_SHORT, f"it lasts {seconds:.1f} s, less than 2")
    if seconds > MAX_DURATION_SECONDS:
        yield Issue(ErrorCode.TOO_LONG, f"it lasts {seconds / 3600:.1f} h, more than 8")
