"""Who speaks: the name under which a sentence appears in a transcript."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

# A speaker's name is written once for each sentence: unbounded, a name as large as a callback may
# be would fill the memory.
_LONGEST_NAME = 64

# No call has as many channels or sentences; Python needs long to write down a far larger number.
_UNCOUNTED = 2**31

_ROLES = {"CUSTOMER": "Customer", "HUMAN_AGENT": "Agent", "AI_AGENT": "AI agent"}

# Control characters and everything that some reader takes for the end of a line.
_GAP = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def one_line(value: object) -> str:
    """Return the text on one line, free of control characters; "" for what is no text.

    A lone surrogate, which UTF-8 can't hold, becomes U+FFFD.
    """
    if not isinstance(value, str):
        return ""

    return _LONE_SURROGATE.sub("\ufffd", _GAP.sub(" ", value)).strip()


def index(value: object) -> int | None:
    """Return the value if it is a whole number that can count something from zero, else None."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _UNCOUNTED:
        return value

    return None


class Speakers:
    """The participants of one call, by their place in `participants` and by their channel."""

    def __init__(self, participants: Sequence[object]) -> None:
        self._names: list[str] = []
        self._channels: dict[int, str] = {}
        for item in participants:
            participant = item if isinstance(item, Mapping) else {}
            name = _name(participant)
            self._names.append(name)
            channel = index(participant.get("audioChannelIndex"))
            if channel is not None:
                self._channels.setdefault(channel, name)

    def of(self, sentence: Mapping[str, Any]) -> str:
        """Return who speaks the sentence: name, else role, else `Channel n`.

        The participant is the one at `participantIndex`, counted from zero, else the first on the
        sentence's `audioChannelIndex`.
        """
        place = index(sentence.get("participantIndex"))
        named = self._names[place] if place is not None and place < len(self._names) else ""
        channel = index(sentence.get("audioChannelIndex"))
        if channel is None:
            return named or "Unknown speaker"

        return named or self._channels.get(channel) or f"Channel {channel}"


def _name(participant: Mapping[str, Any]) -> str:
    name = one_line(participant.get("name")) or _role(one_line(participant.get("type")))

    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _role(kind: str) -> str:
    """Return a participant's `type` in words, one of Twilio's three or one it adds later."""
    return _ROLES.get(kind.upper()) or kind.replace("_", " ").strip().capitalize()
