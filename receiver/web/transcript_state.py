"""Missing transcripts: when one counts as missing, and what may be the reason."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from receiver.settings.urls import CALLBACK_PATH, without_credentials

# In seconds. Of calls beyond this the callback may exceed the 1 MB that Twilio sends: a sentence
# takes some 200 bytes and four seconds, and word-level detail ten times that.
_LONG = 1800

# The row as receiver.store.jobs.read has it, where a gap's `ended_at` is never null, with what
# receiver.store.jobs.gaps.explain_gaps adds to it, where that was asked for.
Job = Mapping[str, Any]


def lacks_transcript(job: Job) -> bool:
    """Tell whether Twilio promised a transcript that isn't here: only COMPLETED is a promise."""
    return job["status"] == "COMPLETED" and job["transcript_sha256"] is None


def is_missing(job: Job, *, grace: timedelta, at: datetime) -> bool:
    """Tell whether the transcript should be here by now."""
    return lacks_transcript(job) and job["ended_at"] <= at - grace


def kind(job: Job) -> str:
    """Return in one word what became of the callback, as far as we know."""
    if job.get("is_quarantined"):
        return "callback_quarantined"
    if job.get("is_rejected"):
        return "callback_rejected"

    return "callback_never_came" if job["received_at"] is None else "callback_without_transcript"


def reasons(job: Job, *, public_url: str | None) -> Iterator[str]:
    """Give the likely reasons, the likeliest first, each a sentence."""
    match kind(job):
        case "callback_quarantined":
            yield "A callback came and can't be used: `callbacks list --outcome quarantined`."
        case "callback_rejected":
            yield "A request that names it doesn't verify, and is kept: `rejected check` tells why."
        case "callback_without_transcript":
            yield "A callback came, and brought no transcript."
        case _:
            yield from _reasons_to_be_silent(job, public_url)
    known = job["resolved_configuration"] is not None
    in_conversation = job["conversation_id"] or _member(job, "conversationConfigurationId")
    if known and not in_conversation:
        yield (
            "It can't be fetched back: its configuration stores no transcript in a conversation "
            "(conversationConfigurationId)."
        )


def _reasons_to_be_silent(job: Job, public_url: str | None) -> Iterator[str]:
    known = job["resolved_configuration"] is not None
    callback = _member(job, "transcriptionStatusCallback")
    url = callback.get("url") if isinstance(callback, Mapping) else None
    if known and not isinstance(url, str):
        yield "Its configuration has no transcriptionStatusCallback, so Twilio calls nobody."
        return
    if isinstance(url, str) and public_url and _plain(url) != _own(public_url):
        yield f"Its configuration calls {_plain(url)}, which is not {_own(public_url)}."
        return
    if (job["duration"] or 0) > _LONG:
        yield "The call was long, and Twilio sends no callback beyond 1 MB (error 17564)."
    yield "It may have been refused here for its signature: `rejected list`, and the log, tell."
    yield "Twilio may not have got through to us in four tries (errors 17580 to 17585)."


def _own(public_url: str) -> str:
    return f"{_plain(public_url)}{CALLBACK_PATH}"


def _plain(url: str) -> str:
    """Return the URL without what may be secret in it."""
    return without_credentials(url).partition("?")[0].rstrip("/")


def _member(job: Job, name: str) -> Any:
    return (job["resolved_configuration"] or {}).get(name)
