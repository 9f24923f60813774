"""Conversations: where a transcript is stored too, one communication for each sentence."""

from collections.abc import Sequence
from typing import Any

from receiver.simulator.clock import after, stamp
from receiver.simulator.job import Job

_WORD_SECONDS = 1 / 3


def conversation(job: Job) -> dict[str, Any]:
    """Return the conversation in which the job's transcript is stored."""
    assert job.stored_at  # noqa: S101 - it has a conversation
    stored = stamp(job.stored_at)

    return {
        "id": job.conversation_id,
        "accountId": job.account_id,
        "configurationId": job.configuration["conversationConfigurationId"],
        "status": "CLOSED",
        "name": None,
        "createdAt": stored,
        "updatedAt": stored,
    }


def communications(job: Job) -> list[dict[str, Any]]:
    """Return what was said, in the order in which it was said."""
    assert job.stored_at  # noqa: S101 - it has a conversation
    stored = stamp(job.stored_at)
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
                    "channel": sentence["audioChannelIndex"] - 1,  # it counts from 0 here
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
            "createdAt": stored,
            "updatedAt": stored,
            "occurredAt": _moment(job, sentence["startTimeSeconds"]),
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
            "startTime": _moment(job, start + place * _WORD_SECONDS),
            "endTime": _moment(job, start + (place + 1) * _WORD_SECONDS),
        }
        for place, word in enumerate(sentence["text"].split())
    ]


def _moment(job: Job, seconds: float) -> str:
    """Return a moment of the recording, to the millisecond."""
    began = job.audio_started_at or job.created_at
    moment = after(began, round(seconds, 3))

    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
