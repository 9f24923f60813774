"""A transcription job. All that happens to it is decided at creation; the time gives its state."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import ceil
from random import Random
from typing import Any

from receiver.simulator import media_errors
from receiver.simulator.clock import format_date_time
from receiver.simulator.transcript import generate_transcript

# With about 170 bytes each, the callback exceeds 1 MB.
_TOO_MANY_SENTENCES = 8000
_PATH = "/v3/Transcriptions"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One transcription. The fields never change; what changes with time is a method."""

    id: str
    number: int  # how many jobs were created before
    seed: str  # of its transcript
    account_id: str
    configuration_id: str
    configuration: dict[str, Any]  # as it was when the job was created
    source_id: str | None
    media_url: str | None
    audio_started_at: datetime | None
    participants: list[dict[str, Any]]
    error_code: int | None  # Twilio's error that the recording causes
    created_at: datetime
    running_at: datetime
    ended_at: datetime
    stored_at: datetime | None  # in its conversation; None: never
    conversation_id: str | None  # returned from `stored_at` on

    @property
    def is_failed(self) -> bool:
        """Whether the job ends as FAILED."""
        return media_errors.is_job_failure(self.error_code)

    @property
    def callback_url(self) -> str | None:
        """Where the callback is sent."""
        callback: dict[str, str] | None = self.configuration["transcriptionStatusCallback"]

        return callback["url"] if callback else None

    @cached_property
    def duration_seconds(self) -> int:
        """The recording's duration."""
        return self._transcript()[1]

    def sentences(self) -> list[dict[str, Any]]:
        """Return the transcript. It is generated each time, to save memory."""
        return self._transcript()[0]

    def status(self, now: datetime) -> str:
        """Return the status at this time."""
        if now >= self.ended_at:
            return "FAILED" if self.is_failed else "COMPLETED"

        return "RUNNING" if now >= self.running_at else "PENDING"

    def updated_at(self, now: datetime) -> datetime:
        """Return the time of the last change until now."""
        changes = (self.created_at, self.running_at, self.ended_at, self.stored_at)

        return max(change for change in changes if change and change <= now)

    def retry_after_seconds(self, now: datetime) -> int | None:
        """Return when to poll again; None after the job has ended."""
        changes = [change for change in (self.running_at, self.ended_at) if change > now]

        return max(1, ceil((changes[0] - now).total_seconds())) if changes else None

    def to_resource(self, now: datetime, origin: str) -> dict[str, Any]:
        """Return the job as Twilio's API does; `origin` is the simulator's, for the URLs."""
        status = self.status(now)
        is_stored = bool(self.stored_at and now >= self.stored_at)
        resource = {
            "id": self.id,
            "accountId": self.account_id,
            "status": status,
            "transcriptionConfigurationId": self.configuration_id,
            "sourceId": self.source_id,
            "mediaUrl": self.media_url,
            "audioStartedAt": self.audio_started_at and format_date_time(self.audio_started_at),
            "conversationId": self.conversation_id if is_stored else None,
            "participants": self.participants,
            "duration": self.duration_seconds if status == "COMPLETED" else None,
            "resolvedConfiguration": self.configuration,
            "createdAt": format_date_time(self.created_at),
            "updatedAt": format_date_time(self.updated_at(now)),
            "url": self.url(origin),
        }
        if resource["audioStartedAt"] is None:
            del resource["audioStartedAt"]  # the only member that may be absent but not null
        if is_stored:
            conversation = f"{origin}/v2/Conversations/{self.conversation_id}"
            resource["links"] = {"conversation": conversation}

        return resource

    def to_callback(self) -> dict[str, Any]:
        """Return the callback's body: without nesting, and the only document with sentences."""
        body = {
            "id": self.id,
            "accountId": self.account_id,
            "status": self.status(self.ended_at).lower(),
            "transcriptionConfigurationId": self.configuration_id,
            "sourceId": self.source_id,
            "duration": None if self.is_failed else self.duration_seconds,
            "participants": self.participants,
            "createdAt": format_date_time(self.created_at),
            "updatedAt": format_date_time(self.ended_at),
        }
        if self.is_failed:
            return body | {"mediaUrl": self.media_url}

        return body | {"sentences": self.sentences()}

    def url(self, origin: str) -> str:
        """Return the job's own URL."""
        return f"{origin}{_PATH}/{self.id}"

    def _transcript(self) -> tuple[list[dict[str, Any]], int]:
        is_too_large = self.error_code == media_errors.TOO_LARGE
        random = Random(self.seed)  # noqa: S311 - no secret

        return generate_transcript(
            random,
            self.participants,
            min_sentence_count=_TOO_MANY_SENTENCES if is_too_large else 0,
        )
