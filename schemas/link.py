"""Signed links to a transcript as WebVTT."""

from marshmallow import fields, validate

from schemas.outbound import Outbound, Timestamp, Url
from schemas.query import Query

DEFAULT_LINK_SECONDS = 300
MAX_LINK_SECONDS = 3600


class LinkQuery(Query):
    """The parameters of a new link."""

    expires_in = fields.Integer(
        data_key="expiresIn",
        validate=validate.Range(1, MAX_LINK_SECONDS),
        error_messages={"invalid": "Must be a whole number of seconds."},
        metadata={
            "default": DEFAULT_LINK_SECONDS,
            "description": "For how many seconds the link is valid.",
        },
    )


class LinkedQuery(Query):
    """The parameters of a transcript that a link leads to."""

    token = fields.String(
        metadata={"description": "From a link. It replaces the API key, if there is none."}
    )


class Link(Outbound):
    """A link that needs no API key."""

    url = Url(required=True, description="The URL of the transcript, with a token.")
    expires_at = Timestamp(
        data_key="expiresAt", required=True, metadata={"description": "When the link ends."}
    )
