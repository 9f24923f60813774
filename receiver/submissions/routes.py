"""The route that submits a job in Twilio's own form: `POST /v3/Transcriptions`."""

from flask import Blueprint, Response, g

from receiver.services import services
from receiver.web.admission import admit
from receiver.web.auth import require_write_key
from receiver.web.on_demand import on_demand

blueprint = Blueprint("submissions", __name__)
blueprint.before_request(require_write_key)
blueprint.before_request(lambda: admit(services().limits.submissions))
blueprint.add_url_rule(
    "/v3/Transcriptions",
    view_func=on_demand("receiver.submissions.views:create_transcription"),
    methods=["POST"],
)


@blueprint.after_request
def _add_key(response: Response) -> Response:
    """Add the key to every answer, errors too: a client needs it to repeat the request."""
    if "idempotency_key" in g:
        response.headers["Idempotency-Key"] = g.idempotency_key

    return response
