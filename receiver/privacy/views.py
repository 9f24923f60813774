"""The route that erases a job: `DELETE /v3/Transcriptions/{id}`."""

from flask import Blueprint, Response

from receiver.lookup.jobs import require_valid_id
from receiver.privacy.request import erase_for_request
from receiver.runtime.request_id import current_request_id
from receiver.services import services
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.admission import admit
from receiver.web.arguments import require_no_arguments
from receiver.web.auth import require_erase_key
from receiver.web.problems import unavailable

blueprint = Blueprint("privacy", __name__)
blueprint.before_request(require_erase_key)
blueprint.before_request(lambda: admit(services().limits.requests))


@blueprint.delete("/v3/Transcriptions/<job_id>")
def erase_transcription(job_id: str) -> Response:
    """Erase one job and everything that was received about it; a repetition changes nothing."""
    require_no_arguments()
    require_valid_id(job_id)
    erase_for_request(job_id, reason=f"request {current_request_id()}")

    return Response(status=204)


@blueprint.errorhandler(DatabaseUnavailableError)
def _retry_later(_error: DatabaseUnavailableError) -> Response:
    return unavailable(
        "The database is unavailable; /readyz may say why. The job may be erased only in part: "
        "send the request again until it is answered 204."
    )
