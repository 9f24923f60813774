"""Plans: what will become of a request for a transcription, settled when it is made."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from receiver.simulator import ids, media
from receiver.simulator.clock import after
from receiver.simulator.configurations import Configurations, resolved
from receiver.simulator.creation import faults, moment
from receiver.simulator.job import Job
from receiver.simulator.participants import participants
from receiver.simulator.problem import RefusalError
from receiver.simulator.trouble import Delays


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Makes jobs. The same seed makes the same ones of the same requests, but for the time."""

    seed: int
    account_sid: str
    configurations: Configurations
    delays: Delays

    def plan(self, document: dict[str, Any], *, number: int, now: datetime) -> Job:
        """Return the job that a request makes, `number` others before it; raises RefusalError."""
        configuration = self._configuration(document)
        inner = resolved(configuration)
        seed = f"{self.seed}:{number}"
        random = Random(seed)  # noqa: S311 - no secret
        running_at = after(now, self.delays.pending)
        over_at = after(running_at, self.delays.running)
        source_id, media_url = document.get("sourceId"), document.get("mediaUrl")
        code = media.code_of(source_id, media_url)
        stored = inner["conversationConfigurationId"] and not media.failure(code)

        return Job(
            id=ids.job(random),
            conversation_id=ids.conversation(random) if stored else None,
            number=number,
            seed=seed,
            account_id=self.account_sid,
            configuration_id=configuration["id"],
            configuration=inner,
            source_id=source_id,
            media_url=media_url,
            audio_started_at=_audio_started_at(document, now, random),
            participants=participants(
                document.get("participants"),
                inner["participantDefaults"],
                recorded=source_id is not None,
                random=random,
            ),
            code=code,
            created_at=now,
            running_at=running_at,
            over_at=over_at,
            stored_at=after(over_at, self.delays.conversation) if stored else None,
        )

    def _configuration(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return the configuration that a request names, if all is right with it."""
        name = document.get("transcriptionConfigurationId")
        found = self.configurations.find(name) if isinstance(name, str) else None
        wrong = list(faults(document, found))
        if wrong or found is None:
            raise RefusalError(wrong)

        return found


def _audio_started_at(document: dict[str, Any], now: datetime, random: Random) -> datetime | None:
    """Return when the recording began: as given, or as the Recording tells."""
    if document.get("sourceId") is None:
        return moment(document.get("audioStartedAt"))

    return now - timedelta(seconds=random.randint(3600, 7 * 86400))
