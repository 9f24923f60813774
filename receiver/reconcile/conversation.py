"""A transcript from a conversation: its communications, put in the callback's shape.

What a communication holds is known from Twilio's SDK alone, so nothing in it is relied upon to be
there, and nothing in it raises.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from receiver.reconcile.sentences import Utterance, build_sentences, seconds

# A conversation may hold several calls: then the resourceId of what is another job's names that.
_JOB_ID = re.compile(r"voice_transcription_")

Communication = Mapping[str, Any]


def build_document(
    job: Mapping[str, Any],
    communications: Sequence[Communication],
    *,
    is_alone: bool,
    is_last_chance: bool,
) -> dict[str, Any] | None:
    """Return the job's transcript as a callback would bring it, None if it isn't there (yet).

    `job` is the job's row. Where no communication names the job, all are taken for its own if it
    `is_alone` in its conversation. One that has gaps is taken if it `is_last_chance`.
    """
    mine = _of_job(job["id"], _distinct(communications), is_alone=is_alone)
    said = [spoken for spoken in mine if spoken.text]
    if not said or (_has_gaps(mine) and not is_last_chance):
        return None
    participants = job["participants"] or []

    return {
        "id": job["id"],
        "accountId": job["account_id"],
        "status": "COMPLETED",
        "transcriptionConfigurationId": job["configuration_id"],
        "conversationId": job["conversation_id"],
        "duration": job["duration"],
        "participants": participants,
        "sentences": build_sentences(said, participants, job["audio_started_at"]),
        "communications": list(communications),
    }


def _distinct(communications: Sequence[Communication]) -> list[Communication]:
    """Leave out what was told twice, since the list had grown between two of its pages."""
    found: dict[str | int, Communication] = {}
    for place, communication in enumerate(communications):
        name = communication.get("id")
        found[name if isinstance(name, str) else place] = communication

    return list(found.values())


def _of_job(
    job_id: str, communications: Sequence[Communication], *, is_alone: bool
) -> list[Utterance]:
    own = re.compile(rf"{re.escape(job_id)}(?:[\W_]*([0-9]{{1,9}}))?")
    named, unnamed = [], []
    for communication in communications:
        resource = communication.get("resourceId")
        name = resource if isinstance(resource, str) else ""
        if match := own.fullmatch(name):
            named.append(_spoken(communication, int(match[1]) if match[1] else None))
        elif not _JOB_ID.match(name):
            unnamed.append(_spoken(communication, None))

    return _in_order(named or (unnamed if is_alone else []))


def _in_order(found: list[Utterance]) -> list[Utterance]:
    """Put them in the order of their numbers, else of when they were said, if all of them tell."""
    if all(each.number is not None for each in found):
        return sorted(found, key=lambda each: each.number or 0)
    if all(seconds(each.at) is not None for each in found):
        return sorted(found, key=lambda each: seconds(each.at) or 0)

    return found


def _has_gaps(found: Sequence[Utterance]) -> bool:
    numbers = {spoken.number for spoken in found if spoken.number is not None}

    return bool(numbers) and (min(numbers) > 1 or max(numbers) - min(numbers) >= len(numbers))


def _spoken(communication: Communication, number: int | None) -> Utterance:
    content = _object(communication.get("content"))
    told = content.get("transcription")
    transcription = _object(told)
    words = transcription.get("words")
    said = [_object(word) for word in words] if isinstance(words, list) else []
    channel = transcription.get("channel")
    at = communication.get("occurredAt")

    return Utterance(
        number,
        channel if isinstance(channel, int) and not isinstance(channel, bool) else None,
        _object(communication.get("author")).get("address"),
        at,
        _time(said[0], "start", at) if said else at,
        _time(said[-1], "end", None) if said else None,
        _text(content, said) if isinstance(told, Mapping) else "",
    )


def _text(content: Mapping[str, Any], words: Sequence[Mapping[str, Any]]) -> str:
    """Return the text, else that of its words."""
    texts = [content.get("text"), " ".join(_string(word.get("text")) for word in words)]

    return next((text for text in map(_string, texts) if text), "")


def _time(word: Mapping[str, Any], edge: str, otherwise: object) -> object:
    """Return a word's time, in the SDK's spelling or in that of Twilio's description."""
    return word.get(f"{edge}Time", word.get(f"{edge}_time", otherwise))


def _string(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
