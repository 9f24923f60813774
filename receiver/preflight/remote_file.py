"""Reads chunks of a remote file, from a server with or without support for ranges."""

import re
from http.client import HTTPException, HTTPResponse
from typing import Protocol

from receiver.preflight.deadline_socket import MAX_DOWNLOAD_BYTES
from receiver.preflight.errors import ErrorCode, MediaError
from receiver.preflight.http_connection import HttpConnection

# The size of one read. The headers of most files are within the first kilobyte.
CHUNK_BYTES = 128 * 2**10

# The name of the unit is case-insensitive (RFC 9110, 14.1).
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.IGNORECASE)
# Same limit as in _CONTENT_RANGE: a longer number isn't a real size, and may be too large for a
# float.
_MAX_SIZE_DIGITS = 18


class RemoteFile(Protocol):
    """A remote file; `size` is in bytes, None while it is unknown."""

    size: int | None

    def read(self, offset: int) -> bytes:
        """Return CHUNK_BYTES bytes; fewer at the end, none if this part of the file can't be read.

        Offsets must never decrease.
        """


def range_at(offset: int) -> tuple[int, int]:
    """Return the first and the last byte of the chunk at this offset."""
    return offset, offset + CHUNK_BYTES - 1


class RangedFile:
    """A file on a server that supports ranges: each chunk is a request.

    Raises MediaError if the response to the first request isn't the first chunk.
    """

    def __init__(self, connection: HttpConnection, response: HTTPResponse) -> None:
        self._connection = connection
        self.size, self._first_chunk = _read_range(response, 0)

    def read(self, offset: int) -> bytes:
        """Return a chunk; the first one was read already."""
        if offset == 0:
            return self._first_chunk
        if self.size is not None and offset >= self.size:
            return b""

        try:
            return _read_range(self._connection.get(range_at(offset)), offset)[1]
        except (MediaError, HTTPException, ConnectionError):
            return b""  # Twilio reads the file without ranges, so this isn't its problem


class StreamedFile:
    """A file on a server that ignores ranges: it is read from the start, up to the needed bytes."""

    def __init__(self, response: HTTPResponse) -> None:
        self._response = response
        self._buffer = bytearray()
        self._buffer_start = 0  # offset in the file
        self.size = _content_length(response)

    def read(self, offset: int) -> bytes:
        """Return a chunk, or nothing if it ends beyond MAX_DOWNLOAD_BYTES."""
        if offset + CHUNK_BYTES > MAX_DOWNLOAD_BYTES:
            return b""
        self._discard_before(offset)
        while (missing := offset + CHUNK_BYTES - self._buffer_end) > 0:
            data = self._response.read(min(missing, CHUNK_BYTES))
            if not data:
                self._set_size_at_end()
                break
            self._buffer += data
            self._discard_before(offset)

        return bytes(self._buffer)

    @property
    def _buffer_end(self) -> int:
        return self._buffer_start + len(self._buffer)

    def _discard_before(self, offset: int) -> None:
        """Free the memory of what was read: nothing is read twice, and many checks may run."""
        count = min(offset - self._buffer_start, len(self._buffer))
        del self._buffer[:count]
        self._buffer_start += count

    def _set_size_at_end(self) -> None:
        if self.size is not None and self._buffer_end < self.size:
            raise _incomplete()
        self.size = self._buffer_end


def _content_length(response: HTTPResponse) -> int | None:
    length = response.length

    return None if length is None or length >= 10**_MAX_SIZE_DIGITS else length


def _read_range(response: HTTPResponse, offset: int) -> tuple[int | None, bytes]:
    """Return the size of the whole file, None if unknown, and the bytes of this range."""
    content_range = _CONTENT_RANGE.fullmatch(response.getheader("Content-Range") or "")
    if content_range is None or int(content_range[1]) != offset:
        raise MediaError(
            ErrorCode.DOWNLOAD_FAILED, "the response has another range than was requested"
        )
    length = max(0, min(int(content_range[2]) - offset + 1, CHUNK_BYTES))
    data = response.read(length)
    if len(data) < length:
        raise _incomplete()

    return (None if content_range[3] == "*" else int(content_range[3])), data


def _incomplete() -> MediaError:
    return MediaError(ErrorCode.DOWNLOAD_FAILED, "the response is incomplete")
