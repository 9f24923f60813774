"""Page tokens: what one carries, so that the page it leads to needs nothing else."""

from marshmallow import RAISE, Schema, fields, validate

from schemas.parameters import MAX_PAGE_SIZE, Instant
from schemas.query import Filters
from schemas.storable import Identifier

VERSION = 1
BIGINT_MAX = 2**63 - 1


class Token(Schema):
    """A place in one list: the row at its edge, the direction, and the list's size."""

    version = fields.Integer(required=True, strict=True, validate=validate.Equal(VERSION))
    # Which list it belongs to; a token of another one isn't a token here.
    collection = fields.String(required=True)
    backward = fields.Boolean(required=True, truthy={True}, falsy={False})
    at = Instant(required=True)
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
