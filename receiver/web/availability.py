"""Whether a job's transcript is here, by the time that its callback is given."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from receiver.services import services
from receiver.web import transcript_state


def availability(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the schema TranscriptState renders."""
    state = {
        "available": job["transcript_sha256"] is not None,
        "sentences": job["sentences"],
        "source": job["transcript_source"] if job["transcript_sha256"] else None,
    }
    if not _is_missing(job):
        return state

    return state | {
        "missing": transcript_state.kind(job),
        "reasons": list(transcript_state.reasons(job, public_url=services().settings.public_url)),
        "resubmitted_as": job.get("resubmitted_as"),
    }


def is_awaited(job: Mapping[str, Any]) -> bool:
    """Tell whether the job is completed, and the time for its callback isn't over."""
    return transcript_state.lacks_transcript(job) and not _is_missing(job)


def _is_missing(job: Mapping[str, Any]) -> bool:
    grace = timedelta(seconds=services().settings.reconcile_grace_seconds)

    return transcript_state.is_missing(job, grace=grace, at=datetime.now(UTC))
