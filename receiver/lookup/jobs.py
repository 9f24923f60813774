"""One job: found by its id, and why there is no transcript of it if there is none."""

import re
from collections.abc import Sequence

from receiver.store.event import TERMINAL
from receiver.store.jobs import read
from receiver.store.jobs.gaps import explain_gaps
from receiver.web.availability import is_awaited
from receiver.web.job_view import job_url
from receiver.web.problems import ProblemError
from receiver.web.query import query
from receiver.web.transcript_state import lacks_transcript
from schemas.storable import ID_PATTERN

# Seconds to wait before asking for an unfinished job again. Its callback ends it, not the asking.
_POLL_SECONDS = 10


def found(job_id: str) -> read.Row:
    """Return the job; raises Problem 404."""
    require_possible_id(job_id)
    job = query(read.transcription, job_id)
    if job is None:
        raise unknown(job_id)

    return job


def explained(rows: Sequence[read.Row]) -> list[read.Row]:
    """Return the jobs, those without their transcript with what may explain it."""
    ids = [row["id"] for row in rows if lacks_transcript(row)]
    found = query(explain_gaps, ids) if ids else {}

    return [{**row, **found.get(row["id"], {})} for row in rows]


def require_possible_id(job_id: str) -> None:
    """Raise Problem 404 for an id that no job can have; Postgres refuses some of them."""
    if not re.fullmatch(ID_PATTERN, job_id):
        raise ProblemError(404, "No transcription has such an id.")


def unknown(job_id: str) -> ProblemError:
    """Return the 404 of a job of which nothing is known; a quarantined callback may name it."""
    return ProblemError(
        404, f"{job_id} is not known here: no callback that could be applied told of it."
    )


def retry_after(job: read.Row) -> dict[str, str]:
    """Return the header that says when to ask again; none once the job is over."""
    return {} if job["status"] in TERMINAL else {"Retry-After": str(_POLL_SECONDS)}


def without_transcript(job: read.Row) -> ProblemError:
    """Return the 404 that says why the job has no transcript, and when to ask if it may come."""
    headers = {"Retry-After": str(_POLL_SECONDS)} if is_awaited(job) else retry_after(job)

    return ProblemError(404, f"{job['id']} has no transcript. {_reason(job)}", headers=headers)


def _reason(job: read.Row) -> str:
    if job["transcript_sha256"]:
        return "It was erased."
    if job["status"] not in TERMINAL:
        return f"It is {job['status']}: a callback brings the transcript once it is completed."
    if job["status"] == "FAILED":
        return "It failed: Twilio could not transcribe it."
    if is_awaited(job):
        return "It is completed: its callback should come any moment."

    return (
        "It is completed, but no callback has brought the transcript: "
        f"{job_url(job['id'])}/Callbacks lists those that came."
    )
