"""Skips the ID3v2 tags at the start of an audio file, which may contain large pictures."""

import re

from receiver.preflight.remote_file import CHUNK_BYTES, RemoteFile

_ID3V2 = re.compile(rb"ID3..(?P<flags>.)(?P<size>[\0-\x7f]{4})", re.DOTALL)
_HEADER_BYTES = _FOOTER_BYTES = 10
_HAS_FOOTER_FLAG = 0x10
_MAX_TAG_COUNT = 3
# If this much is available after a tag, no other chunk is read.
_ENOUGH_BYTES = CHUNK_BYTES // 2


def read_after_tags(file: RemoteFile) -> tuple[bytes, int]:
    """Return the first bytes after the tags, and their offset in the file."""
    data, offset = file.read(0), 0
    for _ in range(_MAX_TAG_COUNT):
        tag = _ID3V2.match(data)
        if tag is None:
            break
        length = _tag_length(tag)
        offset += length
        data = data[length:] if len(data) >= length + _ENOUGH_BYTES else file.read(offset)

    return data, offset


def _tag_length(tag: re.Match[bytes]) -> int:
    size = 0
    for byte in tag["size"]:  # 7 bits each, so that a tag never looks like an MPEG frame
        size = size << 7 | byte
    has_footer = tag["flags"][0] & _HAS_FOOTER_FLAG

    return _HEADER_BYTES + size + (_FOOTER_BYTES if has_footer else 0)
