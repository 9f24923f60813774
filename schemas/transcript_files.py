"""A transcript as a file: each format has a path, a name and a content type of its own."""

from collections.abc import Mapping
from types import MappingProxyType

from schemas.query import CONTENT_TYPES

# By the names of `?format=`.
EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {"json": "json", "text": "txt", "vtt": "vtt", "srt": "srt"}
)

# SubRip has no registered type. Most clients know application/x-subrip, but generated ones drop
# every content type except JSON and text.
FILE_CONTENT_TYPES: Mapping[str, str] = MappingProxyType(
    {**CONTENT_TYPES, "srt": "text/srt; charset=utf-8"}
)
