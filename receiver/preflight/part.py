"""A file of which only a part is here, for parsers that take it for the whole."""

import io
from typing import Protocol

# In bytes: what is read at once. The headers of most files are within the first kilobyte.
PART = 128 * 2**10
_ID3V1 = 128  # bytes; a tag at the end of an MP3 file, of no use here


class File(Protocol):
    """A file at a distance; `size` is in bytes, None as long as it isn't known."""

    size: int | None

    def read(self, offset: int) -> bytes:
        """Return PART bytes, or less at the end and where the file is out of reach.

        An offset is never smaller than the one before.
        """


class Part(io.BytesIO):
    """The first bytes of a file of `size`.

    `is_short` turns true once more is read than is here: then a parser didn't see all it wanted.
    """

    def __init__(self, data: bytes, size: int | None) -> None:
        super().__init__(data)
        self._held = len(data)
        self.size = self._held if size is None else size
        self.is_short = size is None

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Seek; the end is the whole file's."""
        if whence == io.SEEK_END:
            return super().seek(max(0, self.size + offset))

        return super().seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        """Read what is here."""
        data = super().read(size)
        self.is_short |= self._held <= self.tell() < self.size - _ID3V1

        return data
