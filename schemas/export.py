"""The query of an export, and the content of its cursors."""

from marshmallow import Schema, fields, validate

from schemas.parameters import DateTimeParameter
from schemas.query import Query
from schemas.storable import Identifier

FORMATS = ("ndjson", "csv")
CURSOR_VERSION = 1
_MAX_CURSOR_CHARACTERS = 1024
COUNTS = 5
_MAX_COUNT = 2**53


class ExportQuery(Query):
    """The parameters of an export."""

    created_after = DateTimeParameter(
        data_key="createdAfter",
        metadata={"description": "Only jobs created at or after this time."},
    )
    created_before = DateTimeParameter(
        data_key="createdBefore",
        metadata={
            "description": "Only jobs created before this time; without it, before the export "
            "began."
        },
    )
    format = fields.String(
        validate=validate.OneOf(FORMATS),
        load_default=FORMATS[0],
        metadata={"description": "One JSON object per line, or one row of CSV per job."},
    )
    cursor = fields.String(
        validate=validate.Length(1, _MAX_CURSOR_CHARACTERS),
        metadata={
            "description": "The `cursor` of an earlier export's last complete line: continue after "
            "that job, up to the same time. The other parameters may be repeated."
        },
    )


class ExportCursor(Schema):
    """A place in an export, its end, and what was exported so far. Its names are short."""

    version = fields.Integer(
        data_key="v", required=True, strict=True, validate=validate.Equal(CURSOR_VERSION)
    )
    at = DateTimeParameter(data_key="a", required=True)
    id = Identifier(data_key="i")  # absent at the beginning
    until = DateTimeParameter(data_key="u", required=True)
    # So the last line counts the whole export.
    counts = fields.List(
        fields.Integer(strict=True, validate=validate.Range(min=0, max=_MAX_COUNT)),
        data_key="c",
        required=True,
        validate=validate.Length(equal=COUNTS),
    )
