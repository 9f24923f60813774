"""Names the speaker of each sentence."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

# The name is written for each sentence, so a name as large as a callback would fill the memory.
_MAX_NAME_CHARACTERS = 64

# No call has as many channels or sentences. Python needs a long time to print much larger numbers.
_INDEX_LIMIT = 2**31

_ROLES = {"CUSTOMER": "Customer", "HUMAN_AGENT": "Agent", "AI_AGENT": "AI agent"}

# Control characters, and all characters that some programs treat as the end of a line.
_UNSAFE = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def one_line(value: object) -> str:
    """Return the text on one line, without control characters; "" if the value isn't a text.

    A lone surrogate, which UTF-8 can't encode, becomes U+FFFD.
    """
    if not isinstance(value, str):
        return ""

    return _LONE_SURROGATE.sub("\ufffd", _UNSAFE.sub(" ", value)).strip()


def parse_index(value: object) -> int | None:
    """Return the value if it is a whole number that can be an index, counted from 0; else None."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _INDEX_LIMIT:
        return value

    return None


class Speakers:
    """The participants of one call, by their index in `participants` and by their channel."""

    def __init__(self, participants: Sequence[object]) -> None:
        self._names: list[str] = []
        self._channels: dict[int, str] = {}
        for item in participants:
            participant = item if isinstance(item, Mapping) else {}
            name = _name(participant)
            self._names.append(name)
            channel = parse_index(participant.get("audioChannelIndex"))
            if channel is not None:
                self._channels.setdefault(channel, name)

    def name_of(self, sentence: Mapping[str, Any]) -> str:
        """Return the sentence's speaker: the name, otherwise the role, otherwise `Channel n`.

        The participant is the one at `participantIndex`, counted from 0; otherwise the first one on
        the sentence's `audioChannelIndex`.
        """
        index = parse_index(sentence.get("participantIndex"))
        named = self._names[index] if index is not None and index < len(self._names) else ""
        channel = parse_index(sentence.get("audioChannelIndex"))
        if channel is None:
            return named or "Unknown speaker"

        return named or self._channels.get(channel) or f"Channel {channel}"


def _name(participant: Mapping[str, Any]) -> str:
    name = one_line(participant.get("name")) or _role(one_line(participant.get("type")))

    return name if len(name) <= _MAX_NAME_CHARACTERS else name[: _MAX_NAME_CHARACTERS - 1] + "…"


def _role(kind: str) -> str:
    """Return a participant's `type` as words; Twilio has three types and may add others."""
    return _ROLES.get(kind.upper()) or kind.replace("_", " ").strip().capitalize()
