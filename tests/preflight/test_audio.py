"""The audio properties that the headers of a file contain, for every size and for hostile bytes."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.preflight.audio import AudioProperties, read_audio_properties
from receiver.preflight.errors import ErrorCode, MediaError
from receiver.preflight.remote_file import CHUNK_BYTES
from tests.support.media import audio_files

ENDLESS = 0xFFFFFFFF


@dataclass
class LocalFile:
    """A file in memory; its `size` may be larger than the bytes that can be read."""

    data: bytes
    size: int | None

    def read(self, offset: int) -> bytes:
        """Return the available bytes of a part."""
        return self.data[offset : offset + CHUNK_BYTES]


def read_properties(data: bytes) -> AudioProperties | None:
    """Return the audio properties of a complete file."""
    return read_audio_properties(LocalFile(data, len(data)))


def error_code(data: bytes, size: int | None = None) -> ErrorCode | None:
    """Return the code of the error for this file, None if there is no error."""
    try:
        read_audio_properties(LocalFile(data, size))
    except MediaError as failed:
        return failed.issue.code

    return None


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_wav_of_any_width_is_read(width: int, channels: int) -> None:
    """A PCM WAV of any width gives sample rate, channels and duration."""
    properties = read_properties(audio_files.wav(2.5, rate=16000, channels=channels, width=width))
    assert properties == AudioProperties(16000, channels, 2.5)


@pytest.mark.parametrize("chunk_name", [b"JUNK", b"LIST", b"bext"])
def test_other_chunks_are_skipped(chunk_name: bytes) -> None:
    """The reader skips other chunks before the format and the data, of odd length too."""
    other = audio_files.chunk(chunk_name, bytes(601) + b"\0", size=601)
    data = audio_files.chunk(b"data", bytes(16000 * 3))
    assert read_properties(
        audio_files.riff(other, audio_files.fmt(), other, data)
    ) == AudioProperties(8000, 1, 3.0)


def test_extensible_pcm_is_pcm() -> None:
    """The reader accepts a WAVE_FORMAT_EXTENSIBLE with a PCM subformat on every Python version."""
    data = audio_files.chunk(b"data", bytes(16000 * 3))
    properties = read_properties(
        audio_files.riff(audio_files.extensible(audio_files.PCM_SUBFORMAT), data)
    )
    assert properties == AudioProperties(8000, 1, 3.0)


@pytest.mark.parametrize(
    "format_chunk",
    [
        audio_files.fmt(3, bits=32),
        audio_files.fmt(6, bits=8),
        audio_files.fmt(7, bits=8),
        audio_files.fmt(17, bits=4),
        audio_files.extensible(audio_files.FLOAT_SUBFORMAT),
    ],
    ids=["float", "a-law", "µ-law", "adpcm", "extensible-float"],
)
def test_wav_without_pcm_is_not_supported(format_chunk: bytes) -> None:
    """The rule: a WAV that contains anything but PCM is error 17556."""
    data = audio_files.riff(format_chunk, audio_files.chunk(b"data", bytes(9999)))
    assert error_code(data, len(data)) == ErrorCode.NOT_SUPPORTED


@pytest.mark.parametrize("size", [0, ENDLESS, ENDLESS - 36, 0x7FFFFFFF, None])
@pytest.mark.parametrize("magic", [b"RIFF", b"RF64"])
def test_duration_of_streamed_wav_comes_from_its_bytes(size: int | None, magic: bytes) -> None:
    """A WAV written to a pipe has no true size in its header: its bytes give the duration."""
    data = audio_files.chunk(b"data", bytes(16000 * 3), size=size)
    properties = read_properties(audio_files.riff(audio_files.fmt(), data, size=size, magic=magic))
    assert properties == AudioProperties(8000, 1, 3.0)


@pytest.mark.parametrize(
    "broken",
    [
        audio_files.riff(audio_files.fmt()),
        audio_files.riff(audio_files.chunk(b"data", bytes(9999))),
        audio_files.riff(audio_files.fmt(channels=0), audio_files.chunk(b"data", bytes(9999))),
        audio_files.riff(audio_files.fmt(bits=0), audio_files.chunk(b"data", bytes(9999))),
        audio_files.riff(audio_files.chunk(b"LIST", b"", size=ENDLESS), audio_files.fmt()),
        audio_files.wav(3)[:30],
        audio_files.flac(3)[:20],
        audio_files.flac(3, rate=0),
        b"fLaC" + bytes(100),
        audio_files.id3(100) + audio_files.frame()[:3],
        b"\xff\xfb\xff\xff" * 500,
    ],
)
def test_invalid_headers_are_corrupted(broken: bytes) -> None:
    """A file that begins like WAV, FLAC or MP3 and has invalid headers is error 17558."""
    assert error_code(broken, len(broken)) == ErrorCode.CORRUPTED


@pytest.mark.parametrize(
    "other",
    [
        b"",
        b"<!DOCTYPE html><title>Sign in</title>",
        b"OggS" + bytes(200),
        b"\0\0\0\x20ftypM4A " + bytes(200),
        b"FORM\0\0\0\0AIFF" + bytes(200),
        b"\xff\xf1\x50\x80" + bytes(200),
        b"\xff\xfd\x90\xc0" + bytes(500),
        b"\xff\xfe<\0h\0t\0m\0l\0",
        b"RIFX\0\0\0\0WAVE" + bytes(200),
        b"RIFF\0\0\0\0AVI " + bytes(200),
        audio_files.id3(100) + audio_files.wav(3),
        audio_files.id3(100),
    ],
)
def test_other_formats_are_not_supported(other: bytes) -> None:
    """A file that is neither WAV, MP3 nor FLAC is error 17556."""
    assert error_code(other, len(other)) == ErrorCode.NOT_SUPPORTED


def test_flac_is_read() -> None:
    """The first block of a FLAC contains sample rate, channels and duration."""
    assert read_properties(audio_files.flac(3600, rate=48000, channels=3)) == AudioProperties(
        48000, 3, 3600.0
    )


def test_streamed_flac_has_no_duration() -> None:
    """A FLAC with a sample count of 0 has an unknown duration."""
    assert read_properties(audio_files.flac(0)) == AudioProperties(8000, 1, None)


@pytest.mark.parametrize(
    "data",
    [
        audio_files.mp3(60),
        audio_files.mp3(60, 32, 64, 128),
        audio_files.xing(60) + bytes(99999),
        bytes(7) + audio_files.mp3(60),
        audio_files.mp3(60) + b"TAG" + bytes(125),
        audio_files.id3(99) + audio_files.id3(99, footer=True) + audio_files.mp3(60),
        audio_files.id3(5 * 2**20) + audio_files.mp3(60),
        audio_files.id3(300_000) + audio_files.id3(300_000) + audio_files.mp3(60),
        audio_files.id3(CHUNK_BYTES - 200) + bytes(1000) + audio_files.mp3(60),
    ],
    ids=[
        "constant",
        "variable",
        "xing",
        "padded",
        "id3v1",
        "twice-id3v2",
        "cover",
        "covers",
        "long",
    ],
)
def test_duration_of_mp3_is_estimated(data: bytes) -> None:
    """The reader estimates the duration of MP3s of any bitrate, and skips tags of any size."""
    properties = read_properties(data)
    assert properties is not None
    assert (properties.sample_rate_hz, properties.channel_count) == (44100, 1)
    assert properties.duration_seconds == pytest.approx(60, rel=0.02)


def test_duration_of_short_mp3_is_counted() -> None:
    """The reader counts the frames of an MP3 that ends within its first part."""
    properties = read_properties(audio_files.mp3(0.1, 32, 64, 128))
    assert properties is not None
    assert properties.duration_seconds == pytest.approx(0.1, abs=0.02)


def test_tag_before_flac_is_skipped() -> None:
    """The reader skips an ID3 tag before a FLAC."""
    assert read_properties(audio_files.id3(300_000) + audio_files.flac(9)) == AudioProperties(
        8000, 1, 9.0
    )


def test_wav_with_rate_0_has_no_duration() -> None:
    """A WAV with a sample rate of 0 has no duration, and causes no division by zero."""
    data = audio_files.riff(audio_files.fmt(rate=0), audio_files.chunk(b"data", bytes(99)))
    assert read_properties(data) == AudioProperties(0, 1, None)


@pytest.mark.parametrize("data", [audio_files.wav(1), audio_files.mp3(1), audio_files.flac(1)])
def test_without_size_duration_is_unknown(data: bytes) -> None:
    """If the server sends no size, sample rate and channels are known and the duration isn't."""
    properties = read_audio_properties(LocalFile(data, None))
    assert properties is not None
    assert (properties.channel_count, properties.duration_seconds) == (1, None)


@pytest.mark.parametrize(
    "data",
    [
        audio_files.riff(audio_files.fmt(), audio_files.chunk(b"LIST", b"", size=10**6)),
        audio_files.id3(10**6),
        b"\xff\xfb" + bytes(CHUNK_BYTES),
    ],
    ids=["wav", "id3", "mp3"],
)
def test_header_out_of_reach_is_no_error(data: bytes) -> None:
    """A header beyond the bytes that were read gives no properties and no error."""
    for size in (10**8, None):
        assert read_audio_properties(LocalFile(data[:CHUNK_BYTES], size)) is None


STARTS = [
    b"",
    b"fLaC",
    b"RIFF\0\0\0\0WAVE",
    audio_files.riff(audio_files.fmt()),
    b"\xff\xfb\x90\xc0",
    audio_files.xing(9),
    audio_files.id3(5),
    audio_files.id3(20)[:25],
]


@given(
    st.sampled_from(STARTS),
    st.binary(max_size=400),
    st.none() | st.integers(min_value=0, max_value=2**40),
)
def test_any_bytes_raise_only_media_errors(start: bytes, rest: bytes, size: int | None) -> None:
    """Any bytes and any size give properties, nothing, or one of two errors."""
    assert error_code(start + rest, size) in {None, ErrorCode.NOT_SUPPORTED, ErrorCode.CORRUPTED}


REAL = [
    audio_files.wav(0.05),
    audio_files.flac(3),
    audio_files.mp3(0.2),
    audio_files.id3(20) + audio_files.xing(9),
]


@given(st.sampled_from(REAL), st.integers(0, 120), st.binary(min_size=1, max_size=8))
def test_mutated_file_raises_only_media_errors(real: bytes, at: int, other: bytes) -> None:
    """A real file with changed header bytes gives properties, nothing, or one of two errors."""
    mutated = real[:at] + other + real[at + len(other) :]
    assert error_code(mutated, len(mutated)) in {None, ErrorCode.NOT_SUPPORTED, ErrorCode.CORRUPTED}
