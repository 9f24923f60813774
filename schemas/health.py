"""Health, as the probes are told of it."""

from marshmallow import fields

from schemas.outbound import Outbound


class Health(Outbound):
    """The process's state in one word."""

    status = fields.String(required=True)
