"""Names the speaker of each sentence."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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


class _Participant(NamedTuple):
    name: str  # "" without a name and a type
    role: str  # its `type` in upper case; "" without one


_UNKNOWN = _Participant("", "")


class Speakers:
    """The participants of one call, by their index in `participants` and by their channel."""

    def __init__(self, participants: Sequence[object]) -> None:
        self._participants: list[_Participant] = []
        self._channels: dict[int, _Participant] = {}
        for item in participants:
            members = item if isinstance(item, Mapping) else {}
            kind = one_line(members.get("type"))
            participant = _Participant(_name(one_line(members.get("name")), kind), kind.upper())
            self._participants.append(participant)
            channel = parse_index(members.get("audioChannelIndex"))
            if channel is not None:
                self._channels.setdefault(channel, participant)

    def name_of(self, sentence: Mapping[str, Any]) -> str:
        """Return the sentence's speaker: the name, otherwise the role, otherwise `Channel n`.

        The participant is the one at `participantIndex`, counted from 0; otherwise the first one on
        the sentence's `audioChannelIndex`.
        """
        indexed, on_channel = self._find(sentence)
        channel = parse_index(sentence.get("audioChannelIndex"))
        if channel is None:
            return indexed.name or "Unknown speaker"

        return indexed.name or on_channel.name or f"Channel {channel}"

    def role_of(self, sentence: Mapping[str, Any]) -> str:
        """Return the `type` of the sentence's speaker in upper case, "" if it is unknown."""
        indexed, on_channel = self._find(sentence)

        return indexed.role or on_channel.role

    def _find(self, sentence: Mapping[str, Any]) -> tuple[_Participant, _Participant]:
        """Return the participant that the sentence's index names, and the one of its channel."""
        index = parse_index(sentence.get("participantIndex"))
        channel = parse_index(sentence.get("audioChannelIndex"))
        is_valid = index is not None and index < len(self._participants)

        return (
            self._participants[index] if index is not None and is_valid else _UNKNOWN,
            _UNKNOWN if channel is None else self._channels.get(channel, _UNKNOWN),
        )


def _name(name: str, kind: str) -> str:
    shown = name or _role(kind)

    return shown if len(shown) <= _MAX_NAME_CHARACTERS else shown[: _MAX_NAME_CHARACTERS - 1] + "…"


def _role(kind: str) -> str:
    """Return a participant's `type` as words; Twilio has three types and may add others."""
    return _ROLES.get(kind.upper()) or kind.replace("_", " ").strip().capitalize()
