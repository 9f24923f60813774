"""Reads sample rate, channels and duration from the headers of a WAV, MP3 or FLAC file.

The bytes decide about the format; file name and Content-Type are ignored.
"""

import re
import wave
from contextlib import suppress
from dataclasses import dataclass, replace

from tinytag import TinyTag, TinyTagException

from receiver.preflight.errors import ErrorCode, MediaError
from receiver.preflight.id3 import read_after_tags
from receiver.preflight.partial_file import PartialFile
from receiver.preflight.remote_file import RemoteFile

# RF64 (EBU Tech 3306) is RIFF for files above 4 GB.
_WAV = re.compile(rb"(?:RIFF|RF64)....WAVE", re.DOTALL)
# WAVE_FORMAT_EXTENSIBLE with the subformat PCM. `wave` supports it only since Python 3.12.
_EXTENSIBLE_PCM = re.compile(
    rb"(fmt .{4})\xfe\xff(.{22}\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71)", re.DOTALL
)
_PCM = b"\x01\0"
_FLAC = b"fLaC"
# "fLaC", the header of the first block, and that block: STREAMINFO always comes first.
_FLAC_HEADER_BYTES = 4 + 4 + 34
# A frame of MPEG audio layer III, possibly after padding.
_MP3 = re.compile(rb"\0*(?=\xff[\xe2\xe3\xf2\xf3\xfa\xfb])")


@dataclass(frozen=True, slots=True)
class AudioProperties:
    """What the headers say; `duration_seconds` is None if it can't be determined."""

    sample_rate_hz: int
    channel_count: int
    duration_seconds: float | None


def read_audio_properties(file: RemoteFile) -> AudioProperties | None:
    """Return the file's properties, or None if its headers can't be reached.

    Raises MediaError for a format that Twilio doesn't support (17556) or a damaged file (17558).
    """
    data, offset = read_after_tags(file)
    if not data and (file.size is None or offset < file.size):
        return None
    if _WAV.match(data) and not offset:
        properties = _read_wav(data, file.size)
    elif data.startswith(_FLAC):
        header = data[:_FLAC_HEADER_BYTES]
        properties = _read_mp3_or_flac(PartialFile(header, _FLAC_HEADER_BYTES))
    elif mp3 := _MP3.match(data):
        start = offset + mp3.end()
        size = file.size and file.size - start
        properties = _read_mp3_or_flac(PartialFile(data[mp3.end() :], size))
    else:
        raise MediaError(ErrorCode.NOT_SUPPORTED, "it is neither WAV, MP3 nor FLAC")

    # Most durations are calculated from the size of the file.
    if properties and file.size is None:
        return replace(properties, duration_seconds=None)

    return properties


def _read_wav(data: bytes, size: int | None) -> AudioProperties | None:
    # The RIFF length is wrong in streamed files, and `wave` only uses it as a limit.
    header = b"RIFF\xff\xff\xff\xff" + data[8:]
    part = PartialFile(_EXTENSIBLE_PCM.sub(rb"\1%b\2" % _PCM, header, count=1), size)
    try:
        with wave.open(part) as reader:
            rate, channel_count = reader.getframerate(), reader.getnchannels()
            frame_bytes = channel_count * reader.getsampwidth()
            frame_count = reader.getnframes()
    except (wave.Error, EOFError, RuntimeError) as error:  # RuntimeError: a chunk above 4 GB
        if str(error).startswith("unknown"):  # how `wave` reports any format but PCM
            raise MediaError(ErrorCode.NOT_SUPPORTED, "it is a WAV, but not PCM-encoded") from None
        _raise_corrupted_unless_short(part)
        return None
    # The header of a streamed file contains a frame count of 0, or the largest possible one.
    available = (part.size - part.tell()) // frame_bytes
    frame_count = min(frame_count or available, available)

    return AudioProperties(rate, channel_count, frame_count / rate if rate else None)


def _read_mp3_or_flac(part: PartialFile) -> AudioProperties | None:
    tag = TinyTag()
    with suppress(TinyTagException):
        tag = TinyTag.get(file_obj=part, tags=False)
    if not tag.samplerate or not tag.channels:
        _raise_corrupted_unless_short(part)
        return None
    seconds = tag.duration
    if part.is_short and tag.bitrate:
        # tinytag counted only the frames of this part, but their average bitrate is known.
        seconds = part.size * 8 / (tag.bitrate * 1000)

    return AudioProperties(tag.samplerate, tag.channels, seconds or None)


def _raise_corrupted_unless_short(part: PartialFile) -> None:
    if not part.is_short:
        raise MediaError(ErrorCode.CORRUPTED, "its headers are invalid")
