"""Parses the communications of a conversation into utterances.

Only Twilio's SDK describes a communication. So every member may be missing or have another type,
and nothing here raises because of that.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

Communication = Mapping[str, Any]


class Utterance(NamedTuple):
    """What one communication says, with the types that Twilio sent.

    `number` is its place in the call if its resourceId contains one. `at` is when it was said.
    `start` and `end` are positions in the recording, or timestamps. `text` is empty if the
    communication isn't part of a transcript, for example a message.
    """

    number: int | None
    channel: int | None
    address: str | None
    at: object
    start: object
    end: object
    text: str


def parse_utterance(communication: Communication, number: int | None) -> Utterance:
    """Return what the communication says; `number` is its place in the call, if known."""
    content = _object(communication.get("content"))
    is_transcription = isinstance(content.get("transcription"), Mapping)
    transcription = _object(content.get("transcription"))
    listed = transcription.get("words")
    words = [_object(word) for word in listed] if isinstance(listed, list) else []
    channel = transcription.get("channel")
    at = communication.get("occurredAt")

    return Utterance(
        number,
        channel if isinstance(channel, int) and not isinstance(channel, bool) else None,
        _object(communication.get("author")).get("address"),
        at,
        _time(words[0], "start", at) if words else at,
        _time(words[-1], "end", None) if words else None,
        _text(content, words) if is_transcription else "",
    )


def _text(content: Mapping[str, Any], words: Sequence[Mapping[str, Any]]) -> str:
    """Return the content's text; if it is empty, the text of the words."""
    texts = [content.get("text"), " ".join(_string(word.get("text")) for word in words)]

    return next((text for text in map(_string, texts) if text), "")


def _time(word: Mapping[str, Any], edge: str, default: object) -> object:
    """Return a word's time; the SDK and Twilio's documentation have different names for it."""
    return word.get(f"{edge}Time", word.get(f"{edge}_time", default))


def parse_seconds(time: object) -> float | None:
    """Return a position or a timestamp in seconds, None if it is neither."""
    if isinstance(time, int | float) and not isinstance(time, bool) and abs(time) < 2**40:
        return float(time)
    if not isinstance(time, str):
        return None
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", time):
        return float(time)
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return None

    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _string(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
