"""The route that erases a job: `DELETE /v3/Transcriptions/{id}`."""

from flask import Blueprint, Response

from receiver.services import services
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.admission import admit
from receiver.web.auth import require_erase_key
from receiver.web.on_demand import on_demand
from receiver.web.problems import unavailable

blueprint = Blueprint("privacy", __name__)
blueprint.before_request(require_erase_key)
blueprint.before_request(lambda: admit(services().limits.requests))
blueprint.add_url_rule(
    "/v3/Transcriptions/<job_id>",
    view_func=on_demand("receiver.privacy.views:erase_transcription"),
    methods=["DELETE"],
)


@blueprint.errorhandler(DatabaseUnavailableError)
def _retry_later(_error: DatabaseUnavailableError) -> Response:
    return unavailable(
        "The database is unavailable; /readyz may say why. The job may be erased only in part: "
        "send the request again until it is answered 204."
    )
