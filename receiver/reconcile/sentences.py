"""Builds a transcript's sentences from the utterances of a conversation."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from receiver.reconcile.utterances import Utterance, parse_seconds

# Twilio doesn't accept longer recordings (its error 17555). So a larger number of seconds is a
# timestamp, not a position in the recording.
_MAX_RECORDING_SECONDS = 8 * 3600.0


def build_sentences(
    utterances: Sequence[Utterance],
    participants: Sequence[Mapping[str, Any]],
    audio_started_at: datetime | None,
) -> list[dict[str, Any]]:
    """Return the sentences in the given order, with times from the start of the recording."""
    times = [parse_seconds(time) for each in utterances for time in (each.start, each.end)]
    origin = _origin([time for time in times if time and _is_timestamp(time)], audio_started_at)
    sentences = []
    for index, each in enumerate(utterances):
        # Communications count channels from 0, callbacks from 1.
        channel = None if each.channel is None else each.channel + 1
        sentence: dict[str, Any] = {
            "audioChannelIndex": channel,
            "sentenceIndex": index,
            "participantIndex": _participant_index(participants, channel, each.address),
        }
        for name, time in (("startTimeSeconds", each.start), ("endTimeSeconds", each.end)):
            if (seconds := parse_seconds(time)) is not None:
                sentence[name] = round(seconds - origin if _is_timestamp(seconds) else seconds, 3)
        sentences.append({**sentence, "text": each.text})

    return sentences


def _is_timestamp(seconds: float) -> bool:
    return seconds > _MAX_RECORDING_SECONDS


def _origin(timestamps: Sequence[float], audio_started_at: datetime | None) -> float:
    """Return when the recording started: `audio_started_at` if possible, or the first timestamp."""
    first, last = min(timestamps, default=0), max(timestamps, default=0)
    start = audio_started_at.timestamp() if audio_started_at else first

    return start if start <= first and last <= start + _MAX_RECORDING_SECONDS else first


def _participant_index(
    participants: Sequence[Mapping[str, Any]], channel: int | None, address: str | None
) -> int | None:
    """Return the index of the participant on that channel, or else with that address."""
    for name, value in (("audioChannelIndex", channel), ("address", address)):
        for index, participant in enumerate(participants):
            if value is not None and participant.get(name) == value:
                return index

    return None
