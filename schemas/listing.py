"""Lists in Twilio's shape: rows under the key that `meta` names, and the tokens of other pages."""

from marshmallow import fields, validate

from schemas.outbound import Outbound, Timestamp
from schemas.transcription import Transcription

REMOVED = ("erased", "expired")
OUTCOMES = ("applied", "stale", "quarantined", "erased")


class Meta(Outbound):
    """The page's place in its list."""

    key = fields.String(
        required=True, metadata={"description": "The name of the member with the rows."}
    )
    page_size = fields.Integer(
        data_key="pageSize",
        required=True,
        metadata={"description": "The number of rows on this page."},
    )
    next_token = fields.String(
        data_key="nextToken", metadata={"description": "Absent on the last page."}
    )
    previous_token = fields.String(
        data_key="previousToken", metadata={"description": "Absent on the first page."}
    )


class TranscriptionList(Outbound):
    """One page of jobs."""

    transcriptions = fields.List(fields.Nested(Transcription), required=True)
    meta = fields.Nested(Meta, required=True)


class Callback(Outbound):
    """One distinct body that was received for a job."""

    id = fields.Integer(
        required=True,
        metadata={"format": "int64", "description": "The id with which to fetch the body."},
    )
    received_at = Timestamp(data_key="receivedAt", required=True)
    outcome = fields.String(
        required=True,
        validate=validate.OneOf(OUTCOMES),
        metadata={
            "description": "applied to its job; stale, which is applied too, but a newer one had "
            "arrived before; quarantined, because it couldn't be applied; or erased, because it "
            "arrived after its job had been erased, or was erased in quarantine."
        },
    )
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "A code: why it is quarantined. Null if it isn't."},
    )
    deliveries = fields.Integer(
        required=True, metadata={"description": "How often this body was received."}
    )
    sha256 = fields.Function(
        lambda event: event["sha256"].hex(),
        required=True,
        metadata={
            "type": "string",
            "pattern": "^[0-9a-f]{64}$",
            "description": "The SHA-256 of the body.",
        },
    )
    body_bytes = fields.Integer(
        data_key="bytes", required=True, metadata={"description": "The length of the body."}
    )
    body_removed = fields.String(
        data_key="bodyRemoved",
        validate=validate.OneOf(REMOVED),
        metadata={
            "description": "Why the body isn't stored any more: its job was erased, or its "
            "retention ended. Present if it isn't stored."
        },
    )


class CallbackList(Outbound):
    """One page of a job's callbacks."""

    callbacks = fields.List(
        fields.Nested(Callback),
        required=True,
        metadata={"description": "The callbacks on this page."},
    )
    meta = fields.Nested(Meta, required=True)
