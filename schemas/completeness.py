"""Completeness, as the read API returns it."""

from marshmallow import fields

from schemas.outbound import Outbound, Timestamp


def _count(description: str, *, name: str | None = None) -> fields.Integer:
    return fields.Integer(required=True, data_key=name, metadata={"description": description})


class Completeness(Outbound):
    """How many transcripts Twilio should send, and how many of them are stored."""

    completed = _count("COMPLETED jobs: each should have a transcript.")
    with_transcript = _count(
        "Completed jobs with a transcript, even if it has expired since.", name="withTranscript"
    )
    awaiting = _count(
        "Completed jobs with a callback that may still arrive, within RECONCILE_GRACE_SECONDS."
    )
    replaced = _count(
        "Completed jobs that were submitted again, if the new job has the transcript."
    )
    erased = _count("Completed jobs that were erased, with their transcripts.")
    missing = _count("All others.")
    oldest_missing_at = Timestamp(
        data_key="oldestMissingAt",
        required=True,
        allow_none=True,
        metadata={"description": "When the first of the jobs with a missing transcript ended."},
    )
    failed = _count("FAILED jobs: Twilio could not transcribe their recording.")
    failed_resubmitted = _count(
        "Failed jobs whose recording was submitted again.", name="failedResubmitted"
    )
    failed_by_code = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        data_key="failedByCode",
        required=True,
        metadata={"description": "Failed jobs by Twilio's error code, where Twilio has sent one."},
    )
    unknown_at_twilio = _count(
        "Unfinished jobs that Twilio doesn't know. They are not polled any more.",
        name="unknownAtTwilio",
    )
    since = Timestamp(
        required=True,
        allow_none=True,
        metadata={
            "description": "When the last complete scan of Twilio's list of jobs began. If a job "
            "was created later and its callback was lost, it is still unknown. Null: no scan yet."
        },
    )
    as_of = Timestamp(
        data_key="asOf",
        required=True,
        metadata={"description": "When the jobs were counted: usually a few seconds ago."},
    )
