"""The content of page tokens: all that is needed to read the page."""

from marshmallow import RAISE, Schema, fields, validate

from schemas.parameters import MAX_PAGE_SIZE, DateTimeParameter
from schemas.query import Filters
from schemas.storable import Identifier

TOKEN_VERSION = 1
BIGINT_MAX = 2**63 - 1


class Token(Schema):
    """A page's place in a list: the row at its edge, the direction, and the page size."""

    version = fields.Integer(required=True, strict=True, validate=validate.Equal(TOKEN_VERSION))
    # The list that the token belongs to. It isn't valid for another one.
    collection = fields.String(required=True)
    backward = fields.Boolean(required=True, truthy={True}, falsy={False})
    at = DateTimeParameter(required=True)
    size = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1, max=MAX_PAGE_SIZE)
    )


class TranscriptionsToken(Token):
    """A place in the list of jobs."""

    id = Identifier(required=True)
    filters = fields.Nested(Filters(unknown=RAISE), required=True)


class CallbacksToken(Token):
    """A place in the list of one job's callbacks."""

    id = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=BIGINT_MAX))
