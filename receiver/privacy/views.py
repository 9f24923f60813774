"""The route that erases a job: `DELETE /v3/Transcriptions/{id}`."""

import logging

from flask import Blueprint, Response, g, request

from receiver.lookup.jobs import require_valid_id
from receiver.privacy.erase import HeldError, UnknownJobError, erase_by_id
from receiver.privacy.erasure import Limits, UnfinishedWriteError
from receiver.runtime.deadline import Deadline, request_deadline
from receiver.runtime.request_id import current_request_id
from receiver.services import services
from receiver.store.erasure.receipts import Requester
from receiver.store.erasure.releases import EarlierReleaseError
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.admission import admit
from receiver.web.arguments import require_no_arguments
from receiver.web.auth import require_erase_key, visible_account
from receiver.web.problems import ProblemError, unavailable

logger = logging.getLogger(__name__)

blueprint = Blueprint("privacy", __name__)
blueprint.before_request(require_erase_key)
blueprint.before_request(lambda: admit(services().limits.requests))

# Reserved at the end of the request's time, so that the answer can say what happened.
_ANSWER_SECONDS = 0.5


@blueprint.delete("/v3/Transcriptions/<job_id>")
def erase_transcription(job_id: str) -> Response:
    """Erase one job and everything that was received about it; a repetition changes nothing."""
    require_no_arguments()
    require_valid_id(job_id)
    requester = Requester(
        name=g.api_key.name, reason=f"request {current_request_id()}", account_id=visible_account()
    )
    try:
        receipt = erase_by_id(services().engine, job_id, requester, _limits())
    except UnknownJobError:
        raise ProblemError(404, f"{job_id} is not known here, so nothing was erased.") from None
    except HeldError as error:
        raise ProblemError(409, f"Nothing was erased: {error}.") from None
    logger.info("job erased", extra={"job": job_id, "erasure": receipt.id, **receipt.counts})

    return Response(status=204)


def _limits() -> Limits:
    seconds = max(0.0, request_deadline(request.environ).remaining() - _ANSWER_SECONDS)
    deadline = Deadline(seconds)

    return Limits(
        deadline=deadline,
        hold_connection=lambda: services().limits.connections.hold(deadline.remaining()),
    )


@blueprint.errorhandler(EarlierReleaseError)
@blueprint.errorhandler(UnfinishedWriteError)
def _retry_unfinished(error: Exception) -> Response:
    return unavailable(f"Not erased: {error}.")


@blueprint.errorhandler(DatabaseUnavailableError)
def _retry_later(_error: DatabaseUnavailableError) -> Response:
    return unavailable(
        "The database is unavailable; /readyz may say why. The job may be erased only in part: "
        "send the request again until it is answered 204."
    )
