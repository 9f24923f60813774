"""The messages of push."""

from marshmallow import fields, validate

from schemas.changes import Change
from schemas.outbound import Outbound, Timestamp

UPDATED, ERASED = "transcription.updated", "transcription.erased"


class PushMessage(Outbound):
    """A message to an endpoint: a job that changed, in its newest state."""

    type = fields.String(
        required=True,
        validate=validate.OneOf((UPDATED, ERASED)),
        metadata={"description": "What happened. Of an erased job, delete what you have."},
    )
    timestamp = Timestamp(
        required=True, metadata={"description": "When the job was updated or erased."}
    )
    sequence = fields.Integer(
        required=True,
        metadata={
            "description": "Rises with each attempt to send to the endpoint. Of two messages about "
            "a job, the one with the higher number has the newer state."
        },
    )
    data = fields.Nested(Change, required=True)
