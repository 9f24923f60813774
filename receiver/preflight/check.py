"""A look before paying: what would fail if Twilio were given this mediaUrl.

Imported late by those who use it, since the web process needs no audio library to start.
"""

import ssl
from collections.abc import Iterator
from http.client import HTTPException

from receiver.preflight.address_policy import AddressPolicy
from receiver.preflight.audio import Sound, sound_of
from receiver.preflight.errors import Code, Fault, MediaError
from receiver.preflight.part import File
from receiver.preflight.remote import opened
from receiver.runtime.deadline import Deadline

SECONDS = 8.0
# Twilio's limits, each named by its code.
LARGEST = 3 * 2**30  # bytes
SHORTEST, LONGEST = 2, 8 * 3600  # seconds
LOWEST_RATE = 8000  # Hz
MOST_CHANNELS = 2


def check(url: str, *, seconds: float = SECONDS, gate: AddressPolicy | None = None) -> list[Fault]:
    """Return what would fail, reading just enough of the file and ending within `seconds`.

    Raises Busy if too many hosts are being looked up for another one.
    An empty list is no promise: what is out of reach, or told by no header, is not claimed to fail.
    """
    deadline = Deadline(seconds)
    try:
        with opened(url, gate=gate or AddressPolicy(), deadline=deadline) as file:
            return list(_faults(file))
    except MediaError as failed:
        return [failed.fault]
    except TimeoutError:
        text = f"no whole answer within {seconds:.2g} s"
    except ssl.SSLCertVerificationError as error:
        text = f"its certificate can't be trusted: {error.verify_message}"
    except (OSError, HTTPException) as error:
        text = f"no answer that makes sense came ({type(error).__name__})"

    return [Fault(Code.DOWNLOAD_FAILED, text)]


def _faults(file: File) -> Iterator[Fault]:
    try:
        sound = sound_of(file)
    except MediaError as failed:
        yield failed.fault
    else:
        yield from _of_sound(sound) if sound else ()
    if file.size is not None and file.size > LARGEST:
        yield Fault(Code.TOO_LARGE, f"it has {file.size / 2**30:.1f} GiB, more than 3")


def _of_sound(sound: Sound) -> Iterator[Fault]:
    if sound.rate < LOWEST_RATE:
        yield Fault(Code.LOW_SAMPLE_RATE, f"its sample rate is {sound.rate} Hz, below 8000")
    if sound.channels > MOST_CHANNELS:
        yield Fault(Code.TOO_MANY_CHANNELS, f"it has {sound.channels} channels, more than 2")
    if sound.seconds is None:
        return
    if sound.seconds < SHORTEST:
        yield Fault(Code.TOO_SHORT, f"it lasts {sound.seconds:.1f} s, less than 2")
    if sound.seconds > LONGEST:
        yield Fault(Code.TOO_LONG, f"it lasts {sound.seconds / 3600:.1f} h, more than 8")
