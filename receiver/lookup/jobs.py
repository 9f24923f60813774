"""Looks up one job, and explains why it has no transcript."""

import re

from receiver.runtime.utc import format_utc
from receiver.store.event import TERMINAL_STATUSES
from receiver.store.jobs import read
from receiver.web.auth import visible_account
from receiver.web.database import query
from receiver.web.job_view import is_awaited, job_url, retry_headers
from receiver.web.problems import ProblemError
from schemas.storable import ID_PATTERN


def get_job(job_id: str) -> read.Row:
    """Return the job; raises ProblemError 404 if it is unknown, or the client may not see it."""
    require_valid_id(job_id)
    job = query(read.transcription, job_id, account_id=visible_account())
    if job is None:
        raise _unknown_job(job_id)

    return job


def require_valid_id(job_id: str) -> None:
    """Raise ProblemError 404 for an id that no job can have; Postgres can't store some of them."""
    if not re.fullmatch(ID_PATTERN, job_id):
        raise ProblemError(404, "This is not a valid transcription id.")


def _unknown_job(job_id: str) -> ProblemError:
    """Return the 404 for an unknown job; a quarantined callback may still have its id."""
    return ProblemError(
        404, f"{job_id} is not known here: no usable callback with this id was received."
    )


def no_transcript(job: read.Row) -> ProblemError:
    """Return the 404: why the job has no transcript, and when to retry if it may still arrive."""
    headers = retry_headers(job, awaits_callback=is_awaited(job))

    return ProblemError(404, f"{job['id']} has no transcript. {_reason(job)}", headers=headers)


def _reason(job: read.Row) -> str:
    if reason := _reason_for_removal(job):
        return reason
    if job["status"] not in TERMINAL_STATUSES:
        return f"The job is {job['status']}: when it is completed, Twilio sends its transcript."
    if job["status"] == "FAILED":
        return "The job failed: Twilio could not transcribe it."
    if is_awaited(job):
        return "The job is completed: its callback should arrive soon."

    return (
        "The job is completed, but no callback contained the transcript: "
        f"{job_url(job['id'])}/Callbacks lists those that were received."
    )


def _reason_for_removal(job: read.Row) -> str | None:
    """Return why the transcript isn't stored any more, None if it never was."""
    if job["erased_at"]:
        return f"It was erased at {format_utc(job['erased_at'])}."
    if job["transcript_expired_at"]:
        return (
            f"It expired at {format_utc(job['transcript_expired_at'])}: this service keeps the "
            "bodies of callbacks for a limited time (RETAIN_BODIES_DAYS)."
        )

    return "It was erased." if job["transcript_sha256"] else None
