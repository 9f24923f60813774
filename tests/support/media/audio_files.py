"""Real audio files, assembled byte by byte: WAV, FLAC, MP3 and ID3 tags."""

import io
import struct
import wave

PCM = 1
EXTENSIBLE = 0xFFFE
PCM_SUBFORMAT = bytes.fromhex("0100000000001000800000aa00389b71")
FLOAT_SUBFORMAT = b"\x03" + PCM_SUBFORMAT[1:]

# Mono frames, MPEG 1 layer III at 44.1 kHz, with 1152 samples each.
_BITRATES = {32: 1, 64: 5, 128: 9, 320: 14}  # kbit/s, and their index
_SAMPLES_PER_FRAME, _MP3_RATE_HZ = 1152, 44100


def wav(seconds: float, *, rate: int = 8000, channels: int = 1, width: int = 2) -> bytes:
    """Return a WAV from the standard library."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(width)
        sound.setframerate(rate)
        sound.writeframes(bytes(int(seconds * rate) * channels * width))

    return file.getvalue()


def chunk(name: bytes, data: bytes, *, size: int | None = None) -> bytes:
    """Return a chunk of a WAV; `size` replaces its true size."""
    return name + struct.pack("<L", len(data) if size is None else size) + data


def fmt(tag: int = PCM, *, rate: int = 8000, channels: int = 1, bits: int = 16) -> bytes:
    """Return the format chunk."""
    size = channels * bits // 8
    fields = (tag, channels, rate, rate * size, size, bits)

    return chunk(b"fmt ", struct.pack("<HHLLHH", *fields))


def extensible(subformat: bytes) -> bytes:
    """Return the format chunk of a WAVE_FORMAT_EXTENSIBLE, 8 kHz mono."""
    plain = fmt(EXTENSIBLE)[8:]

    return chunk(b"fmt ", plain + struct.pack("<HHL", 22, 16, 4) + subformat)


def riff(*chunks: bytes, size: int | None = None, magic: bytes = b"RIFF") -> bytes:
    """Return a WAV with these chunks."""
    return chunk(magic, b"WAVE" + b"".join(chunks), size=size)


def flac(seconds: float, *, rate: int = 8000, channels: int = 1) -> bytes:
    """Return a FLAC's magic, its STREAMINFO with all properties, and some more bytes."""
    properties = rate << 44 | (channels - 1) << 41 | 15 << 36 | int(seconds * rate)
    info = struct.pack(">HH6xQ16x", 4096, 4096, properties)

    return b"fLaC" + b"\x80" + len(info).to_bytes(3, "big") + info + bytes(500)


def frame(bitrate: int = 128, content: bytes = b"") -> bytes:
    """Return one frame of an MP3."""
    length = 144 * bitrate * 1000 // _MP3_RATE_HZ

    return (bytes([0xFF, 0xFB, _BITRATES[bitrate] << 4, 0xC0]) + content).ljust(length, b"\0")


def mp3(seconds: float, *bitrates: int) -> bytes:
    """Return an MP3 that alternates between the bitrates."""
    frames = [frame(bitrate) for bitrate in bitrates or (128,)]
    count = round(seconds * _MP3_RATE_HZ / _SAMPLES_PER_FRAME)

    return b"".join(frames[index % len(frames)] for index in range(count))


def xing(seconds: float) -> bytes:
    """Return the first frame of an MP3 with variable bitrate, which contains the frame count."""
    frames = round(seconds * _MP3_RATE_HZ / _SAMPLES_PER_FRAME)

    return frame(content=bytes(17) + b"Xing" + struct.pack(">LLL", 3, frames, frames * 300))


def id3(size: int, *, footer: bool = False) -> bytes:
    """Return an ID3v2.4 tag with a cover picture of `size` bytes."""
    septets = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    tag = b"ID3\x04\0" + bytes([0x10 if footer else 0]) + septets + bytes(size)

    return tag + (b"3DI" + tag[3:10] if footer else b"")
