"""The beginning of a file, for parsers that expect the whole file."""

import io

# A tag of this size may end an MP3 file. It isn't needed here.
_ID3V1_BYTES = 128


class PartialFile(io.BytesIO):
    """The first bytes of a file of `size` bytes; `size` is None if it is unknown.

    `is_short` becomes true when a parser reads after the last of these bytes: then its result is
    incomplete. It is true from the start if the size is unknown.
    """

    def __init__(self, data: bytes, size: int | None) -> None:
        super().__init__(data)
        self._available = len(data)
        self.size = self._available if size is None else size
        self.is_short = size is None

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Seek; SEEK_END is relative to the end of the whole file."""
        if whence == io.SEEK_END:
            return super().seek(max(0, self.size + offset))

        return super().seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        """Read from the available bytes, and update `is_short`."""
        data = super().read(size)
        self.is_short |= self._available <= self.tell() < self.size - _ID3V1_BYTES

        return data
