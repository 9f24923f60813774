"""Jobs to export, and what an export contains."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, text

from receiver.privacy.erase import erase
from receiver.privacy.target import Target
from receiver.store.erasure.receipts import Requester
from tests.support.callback_events import NOON
from tests.support.stored_callbacks import callback, record_callback

SINCE_PAST = NOON - timedelta(days=365)


def record_jobs(engine: Engine, count: int, **members: Any) -> None:
    """Record completed jobs: job000, job001 …, with a transcript each, a minute apart.

    Two jobs that follow each other were created at the same time.
    """
    for number in range(count):
        created_at = SINCE_PAST + timedelta(minutes=number // 2)
        sentence = {"text": f"Sentence {number}", "audioChannelIndex": 1, "startTimeSeconds": 1}
        given = {"createdAt": created_at.isoformat(), "sentences": [sentence], **members}
        record_callback(engine, callback(f"job{number:03}", **given), at=created_at)


def erase_job(engine: Engine, job_id: str) -> None:
    """Erase the job."""
    erase(engine, Target("job", job_id), Requester(name="officer", reason="test"), spool=None)


def expire_transcript(engine: Engine, job_id: str) -> None:
    """Remove the job's body, as its retention does."""
    with engine.connect() as connection:
        connection.execute(text("UPDATE events SET body = NULL WHERE job_id = :id"), {"id": job_id})
        connection.execute(
            text("UPDATE transcriptions SET transcript_expired_at = now() WHERE id = :id"),
            {"id": job_id},
        )


def parse_lines(data: bytes) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the jobs of NDJSON, and the content of its last line."""
    *jobs, last = map(json.loads, data.splitlines())

    return jobs, last["export"]


def ids_of(jobs: Sequence[dict[str, Any]]) -> list[str]:
    """Return the ids of the jobs."""
    return [job["id"] for job in jobs]
