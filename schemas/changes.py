"""The feed of changes, and the content of its cursors."""

from marshmallow import Schema, fields, validate

from schemas.outbound import Outbound
from schemas.storable import Identifier
from schemas.transcription import Transcription

CURSOR_VERSION = 1
# The numbers of transactions have 64 bits, but no database reaches the half of them.
_MAX_TRANSACTION = 2**63 - 1
_MAX_NUMBERS = 1_000


class Change(Transcription):
    """A job in its newest state."""

    erased = fields.Boolean(
        metadata={
            "description": "Present, and true, if the job was erased: delete what you have of it."
        }
    )


class ChangesMeta(Outbound):
    """Where the feed continues."""

    key = fields.String(
        required=True, metadata={"description": "The name of the member with the changes."}
    )
    page_size = fields.Integer(
        data_key="pageSize",
        required=True,
        metadata={"description": "The number of changes on this page."},
    )
    next_cursor = fields.String(
        data_key="nextCursor",
        required=True,
        metadata={
            "description": "Store it after the page is processed, and send it as `cursor` for the "
            "changes after it."
        },
    )
    more = fields.Boolean(
        required=True,
        metadata={"description": "Whether to ask again at once, because there may be more."},
    )


class ChangeList(Outbound):
    """One page of the feed."""

    changes = fields.List(
        fields.Nested(Change),
        required=True,
        metadata={"description": "The jobs that changed, each in its newest state."},
    )
    meta = fields.Nested(ChangesMeta, required=True)


def _number() -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(min=0, max=_MAX_TRANSACTION))


def _snapshot(*, required: bool) -> fields.List[int]:
    return fields.List(_number(), required=required, validate=validate.Length(1, _MAX_NUMBERS))


class CursorToken(Schema):
    """A consumer's place in the feed; of a snapshot: its end, and the gaps below it."""

    version = fields.Integer(
        data_key="v", required=True, strict=True, validate=validate.Equal(CURSOR_VERSION)
    )
    history = fields.String(data_key="h", required=True)
    since = _snapshot(required=True)
    until = _snapshot(required=False)
    writer = _number()
    job_id = Identifier(data_key="id")
