"""The forms of the console."""

from marshmallow import EXCLUDE, Schema, fields, validate

from schemas.parameters import DateTimeParameter, TextParameter
from schemas.query import Query
from schemas.storable import Identifier
from schemas.token import BIGINT_MAX


class SignInForm(Schema):
    """The form that signs in; `next` is a path below the console's, with its query."""

    class Meta:  # noqa: D106 - marshmallow's own name
        unknown = EXCLUDE

    name = fields.String(required=True, validate=validate.Length(max=1000))
    secret = fields.String(required=True, validate=validate.Length(max=1000))
    next = fields.String(load_default="", validate=validate.Regexp(r"[!-~]{0,8000}\Z"))


class QuarantineQuery(Query):
    """Which callbacks in quarantine to show or to replay."""

    reason = fields.String(validate=validate.Length(1, 64))
    since = DateTimeParameter()
    job = Identifier()


class ReplayForm(QuarantineQuery):
    """What to do with these callbacks: `check` is a dry run. `after` is the last one done."""

    action = fields.String(required=True, validate=validate.OneOf(["check", "replay"]))
    after = fields.Integer(load_default=0, validate=validate.Range(0, BIGINT_MAX))


class EraseForm(Schema):
    """The form that erases a job."""

    reason = TextParameter(required=True)
    confirmed = fields.String(required=True, validate=validate.Equal("yes"))
