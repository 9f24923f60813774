"""The transcript's formats: JSON, plain text, WebVTT and SubRip, from a callback's document.

JSON shows every sentence as it came. The others write one cue for each sentence that has text.
Lines end in LF everywhere, in SubRip too: its players take both, and most tools write LF.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import Any

from receiver.lookup.cues import Cue, array, cues
from schemas.query import CONTENT_TYPES

# Part of every transcript's ETag. Raise it with any change to the bytes that a document gives:
# otherwise a client that has the old ones is told 304 for ever.
RENDERER_VERSION = 1

# SubRip has no escape for what players take for markup (`<i>`, `{\an8}`): the fullwidth forms look
# the same to the reader, and Unicode's NFKC turns them back.
_FULLWIDTH = str.maketrans("<>{}", "\uff1c\uff1e\uff5b\uff5d")

_JSON = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True)
class Format:
    """A form of the transcript: its Content-Type, and how a document in the flat shape is put."""

    content_type: str
    render: Callable[[Mapping[str, Any]], bytes]


def _json(document: Mapping[str, Any]) -> bytes:
    """Return id, participants and sentences, unknown members and lone surrogates included."""
    shown = {
        "id": document.get("id"),
        "participants": array(document, "participants"),
        "sentences": array(document, "sentences"),
    }
    try:
        return _JSON.encode(shown).encode()
    except ValueError:
        # 1e400 is legal JSON, which Python reads as an infinity that JSON can't say: null.
        finite = json.loads(json.dumps(shown), parse_constant=lambda _: None)

        return _JSON.encode(finite).encode()


def _text(document: Mapping[str, Any]) -> bytes:
    return "".join(f"{cue.speaker}: {cue.text}\n" for cue in cues(document)).encode()


def _vtt(document: Mapping[str, Any]) -> bytes:
    """Return a file of W3C's WebVTT; escaped, no text can hold a tag or `-->`."""
    return ("WEBVTT\n\n" + "\n".join(map(_vtt_block, cues(document)))).encode()


def _vtt_block(cue: Cue) -> str:
    speaker, text = escape(cue.speaker, quote=False), escape(cue.text, quote=False)

    return f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n<v {speaker}>{text}</v>\n"


def _srt(document: Mapping[str, Any]) -> bytes:
    return "\n".join(_srt_block(*numbered) for numbered in enumerate(cues(document), 1)).encode()


def _srt_block(number: int, cue: Cue) -> str:
    line = f"{cue.speaker}: {cue.text}".translate(_FULLWIDTH)

    return f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{line}\n"


def _clock(milliseconds: int, mark: str) -> str:
    """Return `HH:MM:SS` and the milliseconds behind the mark; a hundred hours take three digits."""
    seconds, rest = divmod(milliseconds, 1_000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)

    return f"{hours:02}:{minute:02}:{second:02}{mark}{rest:03}"


_RENDER = {"json": _json, "text": _text, "vtt": _vtt, "srt": _srt}
FORMATS: Mapping[str, Format] = MappingProxyType(
    {name: Format(content_type, _RENDER[name]) for name, content_type in CONTENT_TYPES.items()}
)
