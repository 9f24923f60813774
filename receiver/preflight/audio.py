"""What sound a file holds, told from its headers. Its bytes decide, not its name or its type."""

import re
import wave
from contextlib import suppress
from dataclasses import dataclass, replace

from tinytag import TinyTag, TinyTagException

from receiver.preflight.errors import Code, MediaError
from receiver.preflight.part import PART, File, Part

# RIFF, or RF64 (EBU Tech 3306), which has room for more than 4 GB.
_WAV = re.compile(rb"(?:RIFF|RF64)....WAVE", re.DOTALL)
# WAVE_FORMAT_EXTENSIBLE with the subformat PCM: `wave` reads it from Python 3.12 on.
_EXTENSIBLE = re.compile(
    rb"(fmt .{4})\xfe\xff(.{22}\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71)", re.DOTALL
)
_PCM = b"\x01\0"
_FLAC = b"fLaC"
_STREAMINFO = 4 + 4 + 34  # bytes: the magic, a block's header, the block that has to come first
# A frame of MPEG audio, layer III, maybe after padding.
_MP3 = re.compile(rb"\0*(?=\xff[\xe2\xe3\xf2\xf3\xfa\xfb])")
_ID3V2 = re.compile(rb"ID3..(?P<flags>.)(?P<size>[\0-\x7f]{4})", re.DOTALL)
_ID3V2_HEADER, _HAS_FOOTER = 10, 0x10  # bytes, which the footer has too; a flag
_MOST_TAGS = 3
# In bytes: what is enough of a file after its tags, so that no more is fetched.
_ENOUGH = PART // 2


@dataclass(frozen=True, slots=True)
class Sound:
    """What a header says; `seconds` is None where it doesn't say, or not within reach."""

    rate: int  # in Hz
    channels: int
    seconds: float | None


def sound_of(file: File) -> Sound | None:
    """Return what the file holds, None where its headers are out of reach.

    Raises Failed for what Twilio takes for no sound (17556) or for a damaged one (17558).
    """
    data, offset = _after_tags(file)
    if not data and (file.size is None or offset < file.size):
        return None
    if _WAV.match(data) and not offset:
        sound = _wav(data, file.size)
    elif data.startswith(_FLAC):
        sound = _tagged(Part(data[:_STREAMINFO], _STREAMINFO))
    elif frame := _MP3.match(data):
        before = offset + frame.end()
        sound = _tagged(Part(data[frame.end() :], file.size and file.size - before))
    else:
        raise MediaError(Code.NOT_SUPPORTED, "it is neither WAV, MP3 nor FLAC")

    # Without the file's size most lengths are a guess.
    return sound and (replace(sound, seconds=None) if file.size is None else sound)


def _after_tags(file: File) -> tuple[bytes, int]:
    """Return the first bytes after the ID3v2 tags, which may hold pictures, and where they are."""
    data, offset = file.read(0), 0
    for _ in range(_MOST_TAGS):
        tag = _ID3V2.match(data)
        if tag is None:
            break
        length = _length(tag)
        offset += length
        data = data[length:] if len(data) >= length + _ENOUGH else file.read(offset)

    return data, offset


def _length(tag: re.Match[bytes]) -> int:
    size = 0
    for septet in tag["size"]:  # seven bits each, so that no tag looks like a frame
        size = size << 7 | septet
    footer = _ID3V2_HEADER if tag["flags"][0] & _HAS_FOOTER else 0

    return _ID3V2_HEADER + size + footer


def _wav(data: bytes, size: int | None) -> Sound | None:
    # The length of the whole is wrong in streamed files, and nothing to `wave` but a limit.
    head = b"RIFF\xff\xff\xff\xff" + data[8:]
    part = Part(_EXTENSIBLE.sub(rb"\1%b\2" % _PCM, head, count=1), size)
    try:
        with wave.open(part) as told:
            rate, channels = told.getframerate(), told.getnchannels()
            frame, frames = channels * told.getsampwidth(), told.getnframes()
    except (wave.Error, EOFError, RuntimeError) as error:  # the last: a chunk beyond 4 GB
        if str(error).startswith("unknown"):  # its word for every format but PCM
            raise MediaError(Code.NOT_SUPPORTED, "it is a WAV, but not PCM-encoded") from None
        _corrupted_unless_short(part)
        return None
    # A streamed file says that it has nothing, or as much as can be said.
    there = (part.size - part.tell()) // frame

    return Sound(rate, channels, min(frames or there, there) / rate if rate else None)


def _tagged(part: Part) -> Sound | None:
    told = TinyTag()
    with suppress(TinyTagException):
        told = TinyTag.get(file_obj=part, tags=False)
    if not told.samplerate or not told.channels:
        _corrupted_unless_short(part)
        return None
    seconds = told.duration
    if part.is_short and told.bitrate:
        # It counted the frames of this part, and knows how many bits they have on average.
        seconds = part.size * 8 / (told.bitrate * 1000)

    return Sound(told.samplerate, told.channels, seconds or None)


def _corrupted_unless_short(part: Part) -> None:
    if not part.is_short:
        raise MediaError(Code.CORRUPTED, "its headers make no sense")
