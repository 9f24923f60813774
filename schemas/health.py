"""Health, as the probes receive it."""

from marshmallow import fields

from schemas.outbound import Outbound


class Health(Outbound):
    """The process's state in one word."""

    status = fields.String(required=True, metadata={"description": "ok, or ready."})
