"""Creates jobs from requests, and decides in advance all that will happen to them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from receiver.simulator import ids
from receiver.simulator.clock import add_seconds, parse_date_time
from receiver.simulator.configurations import ConfigurationStore, resolve_configuration
from receiver.simulator.create_request import request_violations
from receiver.simulator.errors import ApiError
from receiver.simulator.faults import Delays
from receiver.simulator.job import Job
from receiver.simulator.media_errors import is_job_failure, media_error_code
from receiver.simulator.participants import complete_participants


@dataclass(frozen=True, kw_only=True)
class JobFactory:
    """Creates jobs. The same seed and requests create the same jobs, except for their times."""

    seed: int
    account_sid: str
    configurations: ConfigurationStore
    delays: Delays

    def create(self, document: dict[str, Any], *, number: int, now: datetime) -> Job:
        """Return the job for a request; raises ApiError. `number` counts the jobs before it."""
        configuration = self._find_configuration(document)
        violations = list(request_violations(document, configuration))
        if violations or configuration is None:
            raise ApiError(violations)
        resolved = resolve_configuration(configuration)
        seed = f"{self.seed}:{number}"
        random = Random(seed)  # noqa: S311 - no secret
        running_at = add_seconds(now, self.delays.pending)
        ended_at = add_seconds(running_at, self.delays.running)
        source_id, media_url = document.get("sourceId"), document.get("mediaUrl")
        error_code = media_error_code(source_id, media_url)
        has_conversation = bool(resolved["conversationConfigurationId"])
        is_stored = has_conversation and not is_job_failure(error_code)

        return Job(
            id=ids.job_id(random),
            conversation_id=ids.conversation_id(random) if is_stored else None,
            number=number,
            seed=seed,
            account_id=self.account_sid,
            configuration_id=configuration["id"],
            configuration=resolved,
            source_id=source_id,
            media_url=media_url,
            audio_started_at=_audio_started_at(document, now, random),
            participants=complete_participants(
                document.get("participants"),
                resolved["participantDefaults"],
                is_recording=source_id is not None,
                random=random,
            ),
            error_code=error_code,
            created_at=now,
            running_at=running_at,
            ended_at=ended_at,
            stored_at=add_seconds(ended_at, self.delays.conversation) if is_stored else None,
        )

    def _find_configuration(self, document: dict[str, Any]) -> dict[str, Any] | None:
        configuration_id = document.get("transcriptionConfigurationId")
        if not isinstance(configuration_id, str):
            return None

        return self.configurations.find(configuration_id)


def _audio_started_at(document: dict[str, Any], now: datetime, random: Random) -> datetime | None:
    """Return when the recording began: as given, or a time in the last week for a Recording."""
    if document.get("sourceId") is None:
        return parse_date_time(document.get("audioStartedAt"))

    return now - timedelta(seconds=random.randint(3600, 7 * 86400))
