"""Sentences in the callback's shape, of what the communications of a conversation say."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

# No recording is longer (Twilio's error 17555); in seconds.
_LONGEST = 8 * 3600.0


class Utterance(NamedTuple):
    """What a communication says of a call; `number` is its place there, if it tells.

    `at` is when it was said, `start` and `end` are its times in the recording or of the day. Each
    is as it was told. The text is empty where it is no part of a transcript, such as a message.
    """

    number: int | None
    channel: int | None
    address: str | None
    at: object
    start: object
    end: object
    text: str


def build_sentences(
    spoken: Sequence[Utterance], participants: Sequence[Mapping[str, Any]], began: datetime | None
) -> list[dict[str, Any]]:
    """Return them in the given order; their times count from when the recording began."""
    times = [seconds(time) for each in spoken for time in (each.start, each.end)]
    origin = _origin([time for time in times if time is not None and time > _LONGEST], began)
    sentences = []
    for index, each in enumerate(spoken):
        # They are counted from 0 here, and from 1 in a callback.
        channel = None if each.channel is None else each.channel + 1
        sentence: dict[str, Any] = {
            "audioChannelIndex": channel,
            "sentenceIndex": index,
            "participantIndex": _participant(participants, channel, each.address),
        }
        for name, time in (("startTimeSeconds", each.start), ("endTimeSeconds", each.end)):
            if (found := seconds(time)) is not None:
                sentence[name] = round(found - origin if found > _LONGEST else found, 3)
        sentences.append({**sentence, "text": each.text})

    return sentences


def _origin(moments: Sequence[float], began: datetime | None) -> float:
    """Return what moments count from: the recording's begin if it can be, else the first."""
    first, last = min(moments, default=0), max(moments, default=0)
    start = began.timestamp() if began else first

    return start if start <= first and last <= start + _LONGEST else first


def seconds(time: object) -> float | None:
    """Return a time in seconds, of the recording or of the day; None for what is no time."""
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


def _participant(
    participants: Sequence[Mapping[str, Any]], channel: int | None, address: str | None
) -> int | None:
    """Return the place of the one on that channel, else of the one with that address."""
    for name, value in (("audioChannelIndex", channel), ("address", address)):
        for place, participant in enumerate(participants):
            if value is not None and participant.get(name) == value:
                return place

    return None
