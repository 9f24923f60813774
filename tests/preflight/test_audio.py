"""What the headers of a file tell, whatever its size and whoever wrote it."""

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
class Local:
    """A file that is here; beyond its bytes it may have more, out of reach."""

    data: bytes
    size: int | None

    def read(self, offset: int) -> bytes:
        """Return what is here of a part."""
        return self.data[offset : offset + CHUNK_BYTES]


def look(data: bytes) -> AudioProperties | None:
    """Return what a whole file holds."""
    return read_audio_properties(Local(data, len(data)))


def refusal(data: bytes, size: int | None = None) -> ErrorCode | None:
    """Return why there is no sound in it, None if nothing can be said against it."""
    try:
        read_audio_properties(Local(data, size))
    except MediaError as failed:
        return failed.issue.code

    return None


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_wav_tells_rate_channels_and_length(width: int, channels: int) -> None:
    """PCM of any width is read."""
    told = look(audio_files.wav(2.5, rate=16000, channels=channels, width=width))
    assert told == AudioProperties(16000, channels, 2.5)


@pytest.mark.parametrize("before", [b"JUNK", b"LIST", b"bext"])
def test_chunks_before_the_sound_are_passed_over(before: bytes) -> None:
    """A WAV may have other chunks before its format and before its sound, of an odd length too."""
    other = audio_files.chunk(before, bytes(601) + b"\0", size=601)
    data = audio_files.chunk(b"data", bytes(16000 * 3))
    assert look(audio_files.riff(other, audio_files.fmt(), other, data)) == AudioProperties(
        8000, 1, 3.0
    )


def test_extensible_pcm_is_pcm() -> None:
    """A WAVE_FORMAT_EXTENSIBLE whose subformat is PCM is read on every Python."""
    data = audio_files.chunk(b"data", bytes(16000 * 3))
    told = look(audio_files.riff(audio_files.extensible(audio_files.PCM_SUBFORMAT), data))
    assert told == AudioProperties(8000, 1, 3.0)


@pytest.mark.parametrize(
    "form",
    [
        audio_files.fmt(3, bits=32),
        audio_files.fmt(6, bits=8),
        audio_files.fmt(7, bits=8),
        audio_files.fmt(17, bits=4),
        audio_files.extensible(audio_files.FLOAT_SUBFORMAT),
    ],
    ids=["float", "a-law", "µ-law", "adpcm", "extensible-float"],
)
def test_a_wav_that_is_not_pcm_is_not_supported(form: bytes) -> None:
    """The rule: a WAV holds PCM; any other encoding in one is 17556."""
    data = audio_files.riff(form, audio_files.chunk(b"data", bytes(9999)))
    assert refusal(data, len(data)) == ErrorCode.NOT_SUPPORTED


@pytest.mark.parametrize("size", [0, ENDLESS, ENDLESS - 36, 0x7FFFFFFF, None])
@pytest.mark.parametrize("magic", [b"RIFF", b"RF64"])
def test_a_streamed_wav_lasts_as_long_as_it_has_bytes(size: int | None, magic: bytes) -> None:
    """Who writes a WAV into a pipe can't tell its length, and writes nothing or the most."""
    data = audio_files.chunk(b"data", bytes(16000 * 3), size=size)
    told = look(audio_files.riff(audio_files.fmt(), data, size=size, magic=magic))
    assert told == AudioProperties(8000, 1, 3.0)


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
def test_headers_that_make_no_sense_are_corrupted(broken: bytes) -> None:
    """What begins like WAV, FLAC or MP3 and goes on like nothing is 17558."""
    assert refusal(broken, len(broken)) == ErrorCode.CORRUPTED


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
def test_anything_else_is_not_supported(other: bytes) -> None:
    """What is neither WAV, MP3 nor FLAC is 17556, whatever it is called."""
    assert refusal(other, len(other)) == ErrorCode.NOT_SUPPORTED


def test_a_flac_tells_rate_channels_and_length() -> None:
    """The first block of a FLAC tells all."""
    assert look(audio_files.flac(3600, rate=48000, channels=3)) == AudioProperties(48000, 3, 3600.0)


def test_a_streamed_flac_does_not_tell_its_length() -> None:
    """A FLAC of no samples is one whose writer didn't know their number."""
    assert look(audio_files.flac(0)) == AudioProperties(8000, 1, None)


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
def test_an_mp3_tells_its_length_from_its_first_frames(data: bytes) -> None:
    """Constant and variable bitrates are told apart, and tags of any size are passed over."""
    told = look(data)
    assert told is not None
    assert (told.sample_rate_hz, told.channel_count) == (44100, 1)
    assert told.duration_seconds == pytest.approx(60, rel=0.02)


def test_an_mp3_of_a_few_frames_is_short() -> None:
    """A file that ends within its first part is counted, not estimated."""
    told = look(audio_files.mp3(0.1, 32, 64, 128))
    assert told is not None
    assert told.duration_seconds == pytest.approx(0.1, abs=0.02)


def test_a_tag_precedes_a_flac_too() -> None:
    """A FLAC is found behind an ID3 tag."""
    assert look(audio_files.id3(300_000) + audio_files.flac(9)) == AudioProperties(8000, 1, 9.0)


def test_a_wav_of_no_rate_has_no_length() -> None:
    """A sample rate of 0 is no reason to divide by it."""
    data = audio_files.riff(audio_files.fmt(rate=0), audio_files.chunk(b"data", bytes(99)))
    assert look(data) == AudioProperties(0, 1, None)


@pytest.mark.parametrize("data", [audio_files.wav(1), audio_files.mp3(1), audio_files.flac(1)])
def test_without_a_size_no_length_is_claimed(data: bytes) -> None:
    """Where the server doesn't tell the size, rate and channels are all that is known."""
    told = read_audio_properties(Local(data, None))
    assert told is not None
    assert (told.channel_count, told.duration_seconds) == (1, None)


@pytest.mark.parametrize(
    "data",
    [
        audio_files.riff(audio_files.fmt(), audio_files.chunk(b"LIST", b"", size=10**6)),
        audio_files.id3(10**6),
        b"\xff\xfb" + bytes(CHUNK_BYTES),
    ],
    ids=["wav", "id3", "mp3"],
)
def test_what_is_out_of_reach_is_not_called_broken(data: bytes) -> None:
    """A header that lies beyond what was read tells nothing, neither good nor bad."""
    for size in (10**8, None):
        assert read_audio_properties(Local(data[:CHUNK_BYTES], size)) is None


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
def test_no_bytes_raise_anything_else(start: bytes, rest: bytes, size: int | None) -> None:
    """Whatever the bytes and the size, there is a sound, nothing, or one of two refusals."""
    assert refusal(start + rest, size) in {None, ErrorCode.NOT_SUPPORTED, ErrorCode.CORRUPTED}


REAL = [
    audio_files.wav(0.05),
    audio_files.flac(3),
    audio_files.mp3(0.2),
    audio_files.id3(20) + audio_files.xing(9),
]


@given(st.sampled_from(REAL), st.integers(0, 120), st.binary(min_size=1, max_size=8))
def test_no_mutation_of_a_real_file_raises_anything_else(
    real: bytes, at: int, other: bytes
) -> None:
    """A real file with some bytes of its headers changed is judged like any other."""
    mutated = real[:at] + other + real[at + len(other) :]
    assert refusal(mutated, len(mutated)) in {None, ErrorCode.NOT_SUPPORTED, ErrorCode.CORRUPTED}
