"""One job: found by its id, and why there is no transcript of it if there is none."""

import re

from receiver.lookup.ask import ask
from receiver.lookup.links import job_url
from receiver.problem import Problem
from receiver.store import read
from receiver.store.event import TERMINAL
from schemas.storable import ID_PATTERN

# Seconds to wait before asking for an unfinished job again. Its callback ends it, not the asking.
_POLL_SECONDS = 10


def found(job_id: str) -> read.Row:
    """Return the job; raises Problem 404."""
    require_possible_id(job_id)
    job = ask(lambda connection: read.transcription(connection, job_id))
    if job is None:
        raise unknown(job_id)

    return job


def require_possible_id(job_id: str) -> None:
    """Raise Problem 404 for an id that no job can have; Postgres refuses some of them."""
    if not re.fullmatch(ID_PATTERN, job_id):
        raise Problem(404, "No transcription has such an id.")


def unknown(job_id: str) -> Problem:
    """Return the 404 of a job of which nothing is known; a quarantined callback may name it."""
    return Problem(
        404, f"{job_id} is not known here: no callback that could be applied told of it."
    )


def retry_after(job: read.Row) -> dict[str, str]:
    """Return the header that says when to ask again; none once the job is over."""
    return {} if job["status"] in TERMINAL else {"Retry-After": str(_POLL_SECONDS)}


def without_transcript(job: read.Row) -> Problem:
    """Return the 404 that says why the job has no transcript."""
    return Problem(404, f"{job['id']} has no transcript. {_reason(job)}", headers=retry_after(job))


def _reason(job: read.Row) -> str:
    if job["transcript_sha256"]:
        return "It was erased."
    if job["status"] not in TERMINAL:
        return f"It is {job['status']}: a callback brings the transcript once it is completed."
    if job["status"] == "FAILED":
        return "It failed: Twilio could not transcribe it."

    return (
        "It is completed, but no callback has brought the transcript: "
        f"{job_url(job['id'])}/Callbacks lists those that came."
    )
