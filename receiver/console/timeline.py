"""The timeline of a job: its own moments, and everything that was received for it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from receiver.console.words import bytes_
from receiver.runtime.plural import pluralize

_TITLES = MappingProxyType(
    {
        "callback": "Callback received",
        "submission": "Submitted to Twilio",
        "fetch": "Fetched from Twilio",
        "conversation": "Transcript read from the conversation",
        "erasure": "Erased",
    }
)
_OUTCOMES = MappingProxyType(
    {
        "applied": "applied",
        "stale": "applied; a newer event had arrived before",
        "quarantined": "in quarantine",
        "erased": "absorbed, because the job was erased",
    }
)


class Moment(NamedTuple):
    """One line of the timeline."""

    at: datetime
    title: str
    detail: str = ""
    is_problem: bool = False


def make_timeline(job: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> list[Moment]:
    """Return what happened to a job, the oldest first."""
    moments = [*_moments_of_job(job), *map(_moment_of_event, events)]

    return sorted(moments, key=lambda moment: moment.at)


def _moments_of_job(job: Mapping[str, Any]) -> Iterator[Moment]:
    if job["audio_started_at"]:
        yield Moment(job["audio_started_at"], "The call began")
    if job["created_at"]:
        yield Moment(job["created_at"], "Job created at Twilio")
    if job["ended_at"]:
        has_failed = job["status"] == "FAILED"
        yield Moment(job["ended_at"], f"Job {job['status']} at Twilio", is_problem=has_failed)
    if job["transcript_expired_at"]:
        yield Moment(job["transcript_expired_at"], "Transcript removed at the end of its retention")


def _moment_of_event(event: Mapping[str, Any]) -> Moment:
    is_problem = event["outcome"] == "quarantined"
    parts = [_OUTCOMES.get(event["outcome"], event["outcome"]), bytes_(event["body_bytes"])]
    if event["reason"]:
        parts[0] += f": {event['reason']}"
    if event["deliveries"] > 1:
        parts.append(f"received {pluralize(event['deliveries'], 'time')}")
    detail = ", ".join(parts)
    if event["detail"]:
        detail += f". {event['detail']}"
    title = f"{_TITLES.get(event['source'], event['source'])} (event {event['id']})"

    return Moment(event["received_at"], title, detail, is_problem)
