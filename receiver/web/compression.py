"""Compresses responses with gzip, for clients that accept it, at the pace of readers.

Compression can reveal a secret to somebody who reads its length on the network and chooses another
part of the same response (BREACH). The responses contain no key and no token, but a list repeats
its query. So nothing is compressed for a page of another site that uses remembered credentials.
"""

import zlib
from typing import NamedTuple

from flask import request

from receiver.runtime.pacing import Pause
from receiver.services import services
from receiver.web.same_origin import is_from_another_site

# A smaller response fits into one packet anyway.
MIN_BYTES = 1024
# Browsers send some 30 bytes. A longer header isn't parsed.
MAX_ACCEPT_ENCODING_BYTES = 1000
# A third faster than zlib's default level, and 3 % larger.
_LEVEL = 4
_GZIP = 16 + zlib.MAX_WBITS
# Compressing this many bytes takes half a millisecond: less than a slice of the worker's pace.
_CHUNK_BYTES = 32 * 1024


class Representation(NamedTuple):
    """The bytes to send, their ETag, and whether they are compressed."""

    data: bytes
    tag: str
    is_compressed: bool


def represent(data: bytes, tag: str) -> Representation:
    """Return what to send for the data: compressed if that is worthwhile and accepted."""
    if len(data) <= MIN_BYTES or not accepts_gzip():
        return Representation(data, tag, is_compressed=False)
    compressed = _compress(data, services().limits.pacer.pause_if_due)

    return Representation(compressed, gzip_tag(tag), is_compressed=True)


def accepts_gzip() -> bool:
    """Return whether the response to the current request may be compressed."""
    if not 0 < len(request.headers.get("Accept-Encoding", "")) <= MAX_ACCEPT_ENCODING_BYTES:
        return False
    # A page of another site can make a browser send Basic, but it can't send a Bearer key.
    is_basic = request.headers.get("Authorization", "")[:6].lower() == "basic "

    return request.accept_encodings["gzip"] > 0 and not (is_basic and is_from_another_site())


def gzip_tag(tag: str) -> str:
    """Return the ETag of the compressed form: a strong ETag is for one sequence of bytes."""
    return f"{tag}-gzip"


class Compressor:
    """Compresses a stream to gzip's format, calling `pause` after every few kilobytes."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause
        self._compressor = zlib.compressobj(_LEVEL, wbits=_GZIP)

    def compress(self, data: bytes) -> bytes:
        """Return what the compressor gives for the data; it may keep some of it."""
        parts = []
        for start in range(0, len(data), _CHUNK_BYTES):
            parts.append(self._compressor.compress(data[start : start + _CHUNK_BYTES]))
            self._pause()

        return b"".join(parts)

    def flush(self, *, is_last: bool) -> bytes:
        """Return the rest of what was compressed, so that it can be read; or the stream's end."""
        return self._compressor.flush(zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH)


def _compress(data: bytes, pause: Pause) -> bytes:
    """Return the data in gzip's format."""
    compressor = Compressor(pause)

    return compressor.compress(data) + compressor.flush(is_last=True)
