"""The forms of the console."""

from marshmallow import EXCLUDE, Schema, fields, validate


class SignInForm(Schema):
    """The form that signs in; `next` is a path below the console's, with its query."""

    class Meta:  # noqa: D106 - marshmallow's own name
        unknown = EXCLUDE

    name = fields.String(required=True, validate=validate.Length(max=1000))
    secret = fields.String(required=True, validate=validate.Length(max=1000))
    next = fields.String(load_default="", validate=validate.Regexp(r"[!-~]{0,8000}\Z"))
