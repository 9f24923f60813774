"""A job: its whole life is settled when it is created, and the time tells how far it has come."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import ceil
from random import Random
from typing import Any

from receiver.simulator import media
from receiver.simulator.clock import stamp
from receiver.simulator.transcript import sentences

# Of what is too large for a callback: some 170 bytes each make more than 1 MB.
_MANY_SENTENCES = 8000
_PATH = "/v3/Transcriptions"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One transcription. What the time doesn't change is here; the rest are functions of it."""

    id: str
    number: int  # how many were created before
    seed: str  # of its transcript
    account_id: str
    configuration_id: str
    configuration: dict[str, Any]  # as it was when the job was created
    source_id: str | None
    media_url: str | None
    audio_started_at: datetime | None
    participants: list[dict[str, Any]]
    code: int | None  # Twilio's error that the recording brings about
    created_at: datetime
    running_at: datetime
    over_at: datetime
    stored_at: datetime | None  # when it is in the conversation; None: never
    conversation_id: str | None  # filled in from `stored_at` on

    @property
    def failed(self) -> bool:
        """Whether it ends as FAILED."""
        return media.failure(self.code) is not None

    @property
    def callback_url(self) -> str | None:
        """Where its end is to be told."""
        callback: dict[str, str] | None = self.configuration["transcriptionStatusCallback"]

        return callback["url"] if callback else None

    @cached_property
    def duration(self) -> int:
        """How many seconds were recorded."""
        return self._spoken()[1]

    def sentences(self) -> list[dict[str, Any]]:
        """Return the transcript. It is made anew each time: no job keeps its text in memory."""
        return self._spoken()[0]

    def status(self, now: datetime) -> str:
        """Return the status at that time."""
        if now >= self.over_at:
            return "FAILED" if self.failed else "COMPLETED"

        return "RUNNING" if now >= self.running_at else "PENDING"

    def updated_at(self, now: datetime) -> datetime:
        """Return when something last changed by that time."""
        changes = (self.created_at, self.running_at, self.over_at, self.stored_at)

        return max(change for change in changes if change and change <= now)

    def patience(self, now: datetime) -> int | None:
        """Return in how many seconds to ask again; None once it is over."""
        changes = [change for change in (self.running_at, self.over_at) if change > now]

        return max(1, ceil((changes[0] - now).total_seconds())) if changes else None

    def resource(self, now: datetime, origin: str) -> dict[str, Any]:
        """Return the job as Twilio tells it; its URLs are the simulator's, at `origin`."""
        status = self.status(now)
        stored = bool(self.stored_at and now >= self.stored_at)
        resource = {
            "id": self.id,
            "accountId": self.account_id,
            "status": status,
            "transcriptionConfigurationId": self.configuration_id,
            "sourceId": self.source_id,
            "mediaUrl": self.media_url,
            "audioStartedAt": self.audio_started_at and stamp(self.audio_started_at),
            "conversationId": self.conversation_id if stored else None,
            "participants": self.participants,
            "duration": self.duration if status == "COMPLETED" else None,
            "resolvedConfiguration": self.configuration,
            "createdAt": stamp(self.created_at),
            "updatedAt": stamp(self.updated_at(now)),
            "url": self.url(origin),
        }
        if resource["audioStartedAt"] is None:
            del resource["audioStartedAt"]  # the one that may be absent, and may not be null
        if stored:
            conversation = f"{origin}/v2/Conversations/{self.conversation_id}"
            resource["links"] = {"conversation": conversation}

        return resource

    def callback(self) -> dict[str, Any]:
        """Return what is told when it is over: flat, and the only place with the transcript."""
        end = {
            "id": self.id,
            "accountId": self.account_id,
            "status": self.status(self.over_at).lower(),
            "transcriptionConfigurationId": self.configuration_id,
            "sourceId": self.source_id,
            "duration": None if self.failed else self.duration,
            "participants": self.participants,
            "createdAt": stamp(self.created_at),
            "updatedAt": stamp(self.over_at),
        }

        return end | (
            {"mediaUrl": self.media_url} if self.failed else {"sentences": self.sentences()}
        )

    def url(self, origin: str) -> str:
        """Return where the job is told."""
        return f"{origin}{_PATH}/{self.id}"

    def _spoken(self) -> tuple[list[dict[str, Any]], int]:
        many = _MANY_SENTENCES if self.code == media.TOO_LARGE else 0

        return sentences(Random(self.seed), self.participants, at_least=many)  # noqa: S311 - no secret
