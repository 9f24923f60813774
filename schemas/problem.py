"""Problem documents: the shape of every error, in Twilio's form of RFC 9457."""

from marshmallow import fields

from schemas.outbound import Outbound


class Fault(Outbound):
    """One error in the request."""

    detail = fields.String(required=True)
    pointer = fields.String(
        required=True,
        metadata={
            "description": "The parameter or member, as a JSON Pointer in the form of a URI "
            "fragment: #/status. The request as a whole is #."
        },
    )


class Problem(Outbound):
    """An error: what is wrong, and what to do about it."""

    type = fields.String(
        required=True,
        metadata={
            "format": "uri",
            "description": "The page of Twilio's code; about:blank if Twilio has no such code.",
        },
    )
    title = fields.String(required=True, metadata={"description": "The kind of error."})
    status = fields.Integer(required=True, metadata={"description": "The HTTP status."})
    code = fields.Integer(
        required=True,
        metadata={"description": "Twilio's code: https://www.twilio.com/docs/api/errors"},
    )
    detail = fields.String()
    instance = fields.String(
        metadata={
            "format": "uri-reference",
            "description": "The request id, which the header X-Request-ID has too.",
        }
    )
    errors = fields.List(
        fields.Nested(Fault),
        metadata={"description": "The errors in the request, each with its place."},
    )
