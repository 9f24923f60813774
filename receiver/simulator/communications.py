"""Renders a stored transcript as a conversation with one communication for each sentence."""

from collections.abc import Sequence
from typing import Any

from receiver.simulator.clock import add_seconds, format_date_time
from receiver.simulator.job import Job

_SECONDS_PER_WORD = 1 / 3


def render_conversation(job: Job) -> dict[str, Any]:
    """Return the conversation that contains the job's transcript."""
    assert job.stored_at  # noqa: S101 - it has a conversation
    stored_at = format_date_time(job.stored_at)

    return {
        "id": job.conversation_id,
        "accountId": job.account_id,
        "configurationId": job.configuration["conversationConfigurationId"],
        "status": "CLOSED",
        "name": None,
        "createdAt": stored_at,
        "updatedAt": stored_at,
    }


def render_communications(job: Job) -> list[dict[str, Any]]:
    """Return the sentences as communications, in the order in which they were spoken."""
    assert job.stored_at  # noqa: S101 - it has a conversation
    stored_at = format_date_time(job.stored_at)
    people = job.participants

    return [
        {
            "id": f"conv_communication_{job.id[-20:]}{sentence['sentenceIndex']:06}",
            "conversationId": job.conversation_id,
            "accountId": job.account_id,
            "author": _address(people, sentence["participantIndex"]),
            "content": {
                "type": "TRANSCRIPTION",
                "text": sentence["text"],
                "transcription": {
                    "channel": sentence["audioChannelIndex"] - 1,  # in conversations it starts at 0
                    "confidence": 0.98,
                    "engine": job.configuration["transcriptionEngine"],
                    "words": _words(job, sentence),
                },
            },
            "channelId": job.source_id,
            "resourceId": f"{job.id}{sentence['sentenceIndex']}",
            "recipients": [
                _address(people, index)
                for index in range(len(people))
                if index != sentence["participantIndex"]
            ],
            "createdAt": stored_at,
            "updatedAt": stored_at,
            "occurredAt": _occurred_at(job, sentence["startTimeSeconds"]),
        }
        for sentence in job.sentences()
    ]


def _address(people: Sequence[dict[str, Any]], index: int) -> dict[str, Any]:
    return {
        "address": people[index].get("address"),
        "channel": "VOICE",
        "participantId": f"conv_participant_{index + 1:026}",
    }


def _words(job: Job, sentence: dict[str, Any]) -> list[dict[str, Any]]:
    start = sentence["startTimeSeconds"]

    return [
        {
            "text": word,
            "startTime": _occurred_at(job, start + index * _SECONDS_PER_WORD),
            "endTime": _occurred_at(job, start + (index + 1) * _SECONDS_PER_WORD),
        }
        for index, word in enumerate(sentence["text"].split())
    ]


def _occurred_at(job: Job, seconds: float) -> str:
    """Return the time after this many seconds of the recording, with milliseconds."""
    started_at = job.audio_started_at or job.created_at
    moment = add_seconds(started_at, round(seconds, 3))

    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
