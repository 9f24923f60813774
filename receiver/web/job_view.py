"""Views of a job: what the schemas render of it, with its URLs and its transcript's state."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import request

from receiver.services import services
from receiver.settings.config import Settings
from receiver.settings.urls import public_origin
from receiver.store.event import TERMINAL_STATUSES
from receiver.store.jobs.gaps import lacks_transcript
from receiver.web import transcript_state

# How long a client should wait before it polls an unfinished job again.
_POLL_SECONDS = 10


def job_url(job_id: str) -> str:
    """Return the job's URL at this service, not at Twilio."""
    return _url(job_id, _origin())


def _origin() -> str:
    return public_origin(request.environ, services().settings.public_url)


def _url(job_id: str, origin: str) -> str:
    return f"{origin}/v3/Transcriptions/{job_id}"


def describe_operation(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the schema Operation renders."""
    transcription = describe_job(job)

    return {
        "operation_id": job["id"],
        "status": job["status"],
        "status_url": transcription["url"],
        "transcription": transcription,
    }


def describe_job(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the schema Transcription renders: the job's row, and what is derived from it."""
    return describe_job_at(_origin(), job, services().settings)


def describe_jobs(jobs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what `describe_job` returns for each of them."""
    origin, settings = _origin(), services().settings

    return [describe_job_at(origin, job, settings) for job in jobs]


def describe_job_at(origin: str, job: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return what `describe_job` returns, also outside a request; the URLs begin with `origin`."""
    url = _url(job["id"], origin)

    return {
        **job,
        "url": url,
        "transcript": _describe_transcript(job, settings),
        "links": _links(url, job["conversation_url"]),
    }


def job_links(job_id: str, conversation_url: str | None) -> dict[str, Any]:
    """Return the members `url` and `links` of a job."""
    url = job_url(job_id)

    return {"url": url, "links": _links(url, conversation_url)}


def _links(url: str, conversation_url: str | None) -> dict[str, str | None]:
    return {
        "transcript": f"{url}/Transcript",
        "callbacks": f"{url}/Callbacks",
        "conversation": conversation_url,
    }


def _describe_transcript(job: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return what the schema TranscriptState renders."""
    expired_at = job.get("transcript_expired_at")
    is_available = job["transcript_sha256"] is not None and expired_at is None
    state = {
        "available": is_available,
        "sentences": job["sentences"],
        "source": job["transcript_source"] if is_available else None,
        "expired_at": expired_at,
    }
    if not _is_missing(job, settings):
        return state
    reasons = transcript_state.missing_reasons(
        job, public_url=settings.public_url, prefixes=settings.public_url_prefixes
    )

    return state | {
        "missing": transcript_state.missing_kind(job),
        "reasons": list(reasons),
        "resubmitted_as": job.get("resubmitted_as"),
    }


def retry_headers(job: Mapping[str, Any], *, awaits_callback: bool = False) -> dict[str, str]:
    """Return the Retry-After of a job that isn't finished or awaits its callback, else nothing."""
    is_open = awaits_callback or job["status"] not in TERMINAL_STATUSES

    return {"Retry-After": str(_POLL_SECONDS)} if is_open else {}


def is_awaited(job: Mapping[str, Any]) -> bool:
    """Return whether the job is completed, and its callback may still be received in time."""
    return lacks_transcript(job) and not _is_missing(job, services().settings)


def _is_missing(job: Mapping[str, Any], settings: Settings) -> bool:
    if not lacks_transcript(job):
        return False
    grace = timedelta(seconds=settings.reconcile_grace_seconds)

    return transcript_state.is_missing(job, grace=grace, at=datetime.now(UTC))
