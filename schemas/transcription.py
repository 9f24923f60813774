"""A job as the read API returns it: Twilio's properties in Twilio's spelling, and our additions."""

from marshmallow import fields, validate

from schemas.additional import MAX_ADDITIONAL_SIZE
from schemas.as_sent import JobParticipant, ResolvedConfiguration, Sentence
from schemas.outbound import Outbound, Timestamp, Url
from schemas.storable import STATUSES

SOURCES = ("callback", "fetch", "submission", "conversation")
MISSING = (
    "callback_never_came",
    "callback_quarantined",
    "callback_rejected",
    "callback_without_transcript",
)


class TranscriptState(Outbound):
    """Whether the transcript is stored, and if it is missing, the possible causes."""

    available = fields.Boolean(
        required=True, metadata={"description": "Whether the transcript can be fetched."}
    )
    sentences = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Their number; null if none were received."},
    )
    source = fields.String(
        validate=validate.OneOf(SOURCES),
        metadata={
            "description": "How it was received: usually in a callback. Present if it is stored."
        },
    )
    expired_at = Timestamp(
        data_key="expiredAt",
        metadata={
            "description": "When the stored transcript reached the end of its retention. Present "
            "if it did."
        },
    )
    missing = fields.String(
        validate=validate.OneOf(MISSING),
        metadata={"description": "Present if the job is completed and its callback is overdue."},
    )
    reasons = fields.List(
        fields.String(),
        metadata={"description": "Possible causes, the most likely first. Present with `missing`."},
    )
    resubmitted_as = fields.String(
        data_key="resubmittedAs",
        metadata={"description": "The id of the new job, if the recording was submitted again."},
    )


class Links(Outbound):
    """What belongs to the job. The conversation is at Twilio, everything else at this service."""

    transcript = Url(required=True, description="The transcript, by `Accept` or `?format=`.")
    callbacks = Url(required=True)
    conversation = fields.String(
        metadata={
            "description": "As Twilio sent it. Present if the transcript is stored in a "
            "conversation."
        }
    )


class Transcription(Outbound):
    """One job. Members that aren't required are optional, not nullable, in Twilio's description."""

    id = fields.String(required=True)
    account_id = fields.String(data_key="accountId", required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    configuration_id = fields.String(
        data_key="transcriptionConfigurationId", required=True, allow_none=True
    )
    source_id = fields.String(data_key="sourceId", required=True, allow_none=True)
    media_url = fields.String(data_key="mediaUrl", required=True, allow_none=True)
    audio_started_at = Timestamp(data_key="audioStartedAt")
    conversation_id = fields.String(data_key="conversationId", required=True, allow_none=True)
    participants = fields.List(fields.Nested(JobParticipant))
    duration = fields.Integer(required=True, allow_none=True)
    resolved_configuration = fields.Nested(ResolvedConfiguration, data_key="resolvedConfiguration")
    created_at = Timestamp(data_key="createdAt", required=True, allow_none=True)
    updated_at = Timestamp(data_key="updatedAt", required=True, allow_none=True)
    additional = fields.Dict(
        metadata={
            "description": "What Twilio sent about the job beyond the members above, such as an "
            "`error`, from the newest event that has such members. At most "
            f"{MAX_ADDITIONAL_SIZE} characters and elements."
        }
    )
    received_at = Timestamp(
        data_key="receivedAt",
        required=True,
        allow_none=True,
        metadata={"description": "When the first callback was received; null if there was none."},
    )
    erased_at = Timestamp(
        data_key="erasedAt",
        metadata={
            "description": "When the job was erased: who spoke, and what, isn't stored any more. "
            "Present if it was."
        },
    )
    transcript = fields.Nested(TranscriptState, required=True)
    url = Url(required=True)
    links = fields.Nested(Links, required=True)


class Accepted(Outbound):
    """The envelope of a job that was just submitted."""

    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    status_url = Url(data_key="statusUrl", required=True)
    transcription = fields.Nested(Transcription, required=True)


class Operation(Accepted):
    """The envelope of one job that is fetched."""

    operation_id = fields.String(data_key="operationId", required=True)


class Transcript(Outbound):
    """A transcript as JSON, with everything as Twilio sent it."""

    id = fields.String(required=True)
    participants = fields.List(fields.Nested(JobParticipant), required=True)
    sentences = fields.List(fields.Nested(Sentence), required=True)
