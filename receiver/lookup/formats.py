"""Renders a callback's document as a transcript: JSON, plain text, WebVTT or SubRip.

JSON has every sentence as it was received. The other formats have one cue for each sentence with a
text. Lines end in LF, in SubRip too: its players accept LF and CRLF, and most tools write LF.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import Any

from receiver.lookup.cues import Cue, extract_cues
from receiver.lookup.sentences import list_member
from receiver.lookup.text_direction import labeled_line
from receiver.runtime.pacing import Pause, no_pause, paced
from schemas.query import CONTENT_TYPES

# Part of every transcript's ETag. Increase it with every change of the rendered bytes, otherwise a
# client with the old bytes gets a 304 forever.
RENDERER_VERSION = 2

# SubRip has no escapes for markup (`<i>`, `{\an8}`). The fullwidth forms look the same, and
# Unicode's NFKC converts them back.
_FULLWIDTH = str.maketrans("<>{}", "\uff1c\uff1e\uff5b\uff5d")

# Players refuse a SubRip file without a cue. This one shows nothing: its text is a no-break space.
_EMPTY_SRT = "1\n00:00:00,000 --> 00:00:01,000\n\u00a0\n"

# Sentences that are encoded without a pause.
_SENTENCES_PER_GROUP = 128

_JSON = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True)
class Format:
    """A format: its Content-Type, and the function that renders a decoded callback."""

    content_type: str
    render_paced: Callable[[Mapping[str, Any], Pause], bytes]  # pauses after every few sentences

    def render(self, document: Mapping[str, Any], pause: Pause = no_pause) -> bytes:
        """Return the transcript in this format."""
        return self.render_paced(document, pause)


def _render_json(document: Mapping[str, Any], pause: Pause) -> bytes:
    """Render id, participants and sentences, including their members that we don't know.

    What isn't an object is left out. A sentence names its participant by the position, so
    participants are left out together.
    All but ASCII is escaped, so lone surrogates stay, though UTF-8 can't encode them.
    """
    participants = list_member(document, "participants")
    head = {
        "id": document.get("id"),
        "participants": participants if all(map(_is_object, participants)) else [],
        "sentences": [],
    }

    return f"{_encode_json(head)[:-3]}{encode_sentences(document, pause)}}}".encode()


def encode_sentences(document: Mapping[str, Any], pause: Pause = no_pause) -> str:
    """Return the sentences of the JSON format as a JSON array, in ASCII."""
    sentences = list(filter(_is_object, list_member(document, "sentences")))
    groups = [
        sentences[start : start + _SENTENCES_PER_GROUP]
        for start in range(0, len(sentences), _SENTENCES_PER_GROUP)
    ]
    parts = []
    for group in groups:
        parts.append(_encode_json(group)[1:-1])
        pause()

    return f"[{','.join(parts)}]"


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping)


def _encode_json(value: Any) -> str:
    try:
        return _JSON.encode(value)
    except ValueError:
        # 1e400 is valid JSON. Python reads it as infinity, which JSON can't express: write null.
        return _JSON.encode(json.loads(json.dumps(value), parse_constant=lambda _: None))


def _render_text(document: Mapping[str, Any], pause: Pause) -> bytes:
    cues = paced(extract_cues(document, pause), pause)

    return "".join(f"{labeled_line(cue.speaker, cue.text)}\n" for cue in cues).encode()


def _render_vtt(document: Mapping[str, Any], pause: Pause) -> bytes:
    """Render W3C's WebVTT. The text is escaped, so it can't contain a tag or `-->`.

    Players don't display the voice tag's name on the text's line, so no text needs to be isolated.
    """
    cues = paced(extract_cues(document, pause), pause)

    return ("WEBVTT\n\n" + "\n".join(map(_vtt_block, cues))).encode()


def _vtt_block(cue: Cue) -> str:
    speaker, text = escape(cue.speaker, quote=False), escape(cue.text, quote=False)

    return f"{_times(cue, '.')}\n<v {speaker}>{text}</v>\n"


def _render_srt(document: Mapping[str, Any], pause: Pause) -> bytes:
    cues = enumerate(paced(extract_cues(document, pause), pause), 1)
    blocks = [_srt_block(number, cue) for number, cue in cues]

    return ("\n".join(blocks) or _EMPTY_SRT).encode()


def _srt_block(number: int, cue: Cue) -> str:
    line = labeled_line(cue.speaker, cue.text).translate(_FULLWIDTH)

    return f"{number}\n{_times(cue, ',')}\n{line}\n"


def _times(cue: Cue, separator: str) -> str:
    return f"{_timestamp(cue.start_ms, separator)} --> {_timestamp(cue.end_ms, separator)}"


def _timestamp(milliseconds: int, separator: str) -> str:
    """Return `HH:MM:SS`, the separator and the milliseconds; HH may have more than two digits."""
    all_seconds, milliseconds = divmod(milliseconds, 1_000)
    all_minutes, seconds = divmod(all_seconds, 60)
    hours, minutes = divmod(all_minutes, 60)

    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{milliseconds:03}"


_RENDERERS = {"json": _render_json, "text": _render_text, "vtt": _render_vtt, "srt": _render_srt}
FORMATS: Mapping[str, Format] = MappingProxyType(
    {name: Format(content_type, _RENDERERS[name]) for name, content_type in CONTENT_TYPES.items()}
)
