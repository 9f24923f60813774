"""Builds a job's transcript from its conversation, as a document like a callback's."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from receiver.reconcile.sentences import build_sentences
from receiver.reconcile.utterances import (
    Communication,
    Utterance,
    parse_seconds,
    parse_utterance,
)

# A conversation may contain several calls. The resourceId of another job's communication names that
# job.
_JOB_ID_PREFIX = "voice_transcription_"


def build_document(
    job: Mapping[str, Any],
    communications: Sequence[Communication],
    *,
    is_alone: bool,
    is_last_chance: bool,
) -> dict[str, Any] | None:
    """Return the job's transcript as a callback's document, None if it isn't complete yet.

    `job` is the job's row. If no communication names the job, those that name no job are used, but
    only if the job `is_alone` in its conversation. A transcript with gaps is accepted only if this
    attempt `is_last_chance`.
    """
    utterances = _of_job(job["id"], _distinct(communications), is_alone=is_alone)
    spoken = [utterance for utterance in utterances if utterance.text]
    if not spoken or (_has_gaps(utterances) and not is_last_chance):
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
        "sentences": build_sentences(spoken, participants, job["audio_started_at"]),
        "communications": list(communications),
    }


def _distinct(communications: Sequence[Communication]) -> list[Communication]:
    """Remove duplicates: a list that grows between two pages repeats communications."""
    distinct: dict[str | int, Communication] = {}
    for position, communication in enumerate(communications):
        communication_id = communication.get("id")
        key = communication_id if isinstance(communication_id, str) else position
        distinct[key] = communication

    return list(distinct.values())


def _of_job(
    job_id: str, communications: Sequence[Communication], *, is_alone: bool
) -> list[Utterance]:
    """Return the utterances of the job in their order."""
    # The job's id, and the utterance's number if there is one.
    own_id = re.compile(rf"{re.escape(job_id)}(?:[\W_]*([0-9]{{1,9}}))?")
    named, unnamed = [], []
    for communication in communications:
        resource_id = communication.get("resourceId")
        name = resource_id if isinstance(resource_id, str) else ""
        if match := own_id.fullmatch(name):
            named.append(parse_utterance(communication, int(match[1]) if match[1] else None))
        elif not name.startswith(_JOB_ID_PREFIX):
            unnamed.append(parse_utterance(communication, None))

    return _sorted(named or (unnamed if is_alone else []))


def _sorted(utterances: list[Utterance]) -> list[Utterance]:
    """Sort by number, or else by time; leave the order as it is if some have neither."""
    if all(each.number is not None for each in utterances):
        return sorted(utterances, key=lambda each: each.number or 0)
    if all(parse_seconds(each.at) is not None for each in utterances):
        return sorted(utterances, key=lambda each: parse_seconds(each.at) or 0)

    return utterances


def _has_gaps(utterances: Sequence[Utterance]) -> bool:
    numbers = {each.number for each in utterances if each.number is not None}

    return bool(numbers) and (min(numbers) > 1 or max(numbers) - min(numbers) >= len(numbers))
