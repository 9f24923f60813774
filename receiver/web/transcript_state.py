"""Missing transcripts: when a transcript counts as missing, and the likely reasons."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from receiver.settings.urls import CALLBACK_PATH, without_credentials
from receiver.signatures.url import callback_prefix
from receiver.store.jobs.gaps import lacks_transcript

# The callback of a longer call may exceed the 1 MB that Twilio sends: a sentence takes about 200
# bytes and four seconds, and ten times as many bytes with details of each word.
_LONG_CALL_SECONDS = 1800

# The row as receiver.store.jobs.read returns it (a gap's `ended_at` is never null), optionally with
# the members that receiver.store.jobs.gaps.add_explanations adds.
Job = Mapping[str, Any]


def is_missing(job: Job, *, grace: timedelta, at: datetime) -> bool:
    """Return whether the transcript should have been received by `at`."""
    return lacks_transcript(job) and job["ended_at"] <= at - grace


def missing_kind(job: Job) -> str:
    """Return a code for what happened to the callback, if that is known."""
    if job.get("is_quarantined"):
        return "callback_quarantined"
    if job.get("is_rejected"):
        return "callback_rejected"

    return "callback_never_came" if job["received_at"] is None else "callback_without_transcript"


def missing_reasons(
    job: Job, *, public_url: str | None, prefixes: Collection[str] = ()
) -> Iterator[str]:
    """Yield the likely reasons, the most likely first, each as a sentence.

    `prefixes` are the path prefixes below which callbacks are accepted too.
    """
    match missing_kind(job):
        case "callback_quarantined":
            yield (
                "A callback was received but can't be used: see "
                "`callbacks list --outcome quarantined`."
            )
        case "callback_rejected":
            yield (
                "A request with this job's id was rejected, since it doesn't verify: "
                "`rejected check` can find the cause."
            )
        case "callback_without_transcript":
            yield "A callback was received, but without a transcript."
        case _:
            yield from _reasons_for_no_callback(job, public_url, prefixes)
    is_configuration_known = job["resolved_configuration"] is not None
    in_conversation = job["conversation_id"] or _setting(job, "conversationConfigurationId")
    if is_configuration_known and not in_conversation:
        yield (
            "The transcript can't be fetched from Twilio: the job's configuration doesn't store "
            "transcripts in a conversation (conversationConfigurationId)."
        )


def _reasons_for_no_callback(
    job: Job, public_url: str | None, prefixes: Collection[str]
) -> Iterator[str]:
    is_configuration_known = job["resolved_configuration"] is not None
    callback = _setting(job, "transcriptionStatusCallback")
    url = callback.get("url") if isinstance(callback, Mapping) else None
    if is_configuration_known and not isinstance(url, str):
        yield (
            "The job's configuration has no transcriptionStatusCallback, so Twilio sends no "
            "callback."
        )
        return
    if isinstance(url, str) and public_url and not _is_ours(url, public_url, prefixes):
        yield (
            f"The job's configuration calls {_without_secrets(url)}, which is not "
            f"{_callback_url(public_url)}."
        )
        return
    if (job["duration"] or 0) > _LONG_CALL_SECONDS:
        yield "The call was long, and Twilio sends no callback larger than 1 MB (error 17564)."
    yield "The callback may have been rejected for its signature: see `rejected list` and the log."
    yield "Twilio may have failed to reach this service in four attempts (errors 17580 to 17585)."


def _is_ours(url: str, public_url: str, prefixes: Collection[str]) -> bool:
    prefix = callback_prefix(_without_secrets(url), _without_secrets(public_url))

    return prefix in {"", *prefixes}


def _callback_url(public_url: str) -> str:
    return f"{_without_secrets(public_url)}{CALLBACK_PATH}"


def _without_secrets(url: str) -> str:
    """Return the URL without credentials, query and final slash."""
    return without_credentials(url).partition("?")[0].rstrip("/")


def _setting(job: Job, name: str) -> Any:
    return (job["resolved_configuration"] or {}).get(name)
