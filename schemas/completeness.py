"""Completeness, as the read API tells it."""

from marshmallow import fields

from schemas.outbound import Outbound, Timestamp


def _count(description: str, *, name: str | None = None) -> fields.Integer:
    return fields.Integer(required=True, data_key=name, metadata={"description": description})


class Completeness(Outbound):
    """How many transcripts Twilio promised, and how many of them are here."""

    completed = _count("Jobs that are COMPLETED: each promises a transcript.")
    with_transcript = _count("Of these, the ones whose transcript is here.", name="withTranscript")
    awaiting = _count("Those whose callback may still come, for RECONCILE_GRACE_SECONDS.")
    replaced = _count(
        "Those whose recording was submitted again, and has its transcript under that job."
    )
    missing = _count("All others.")
    oldest_missing_at = Timestamp(
        data_key="oldestMissingAt",
        required=True,
        allow_none=True,
        metadata={"description": "When the first of the jobs with a missing transcript ended."},
    )
    unknown_at_twilio = _count(
        "Unfinished jobs of which Twilio says that it knows nothing: nobody asks about them any "
        "more.",
        name="unknownAtTwilio",
    )
    since = Timestamp(
        required=True,
        allow_none=True,
        metadata={
            "description": "When Twilio's list of jobs was last gone through as a whole: a job "
            "created later, whose callback was lost, isn't known yet. Null: never."
        },
    )
