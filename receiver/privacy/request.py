"""Erases one job for a request, within the request's time, as its API key."""

import logging

from flask import g, request

from receiver.privacy.erase import HeldError, UnknownJobError, erase_by_id
from receiver.privacy.erasure import Limits
from receiver.runtime.deadline import Deadline, request_deadline
from receiver.services import services
from receiver.store.erasure.receipts import Requester
from receiver.store.erasure.releases import EarlierReleaseError
from receiver.store.erasure.writers import UnfinishedWriteError
from receiver.web.auth import visible_account
from receiver.web.problems import RETRY_HEADERS, ProblemError

logger = logging.getLogger(__name__)

# Reserved at the end of the request's time, so that the answer can say what happened.
_ANSWER_SECONDS = 0.5


def erase_for_request(job_id: str, *, reason: str) -> None:
    """Erase the job and everything that was received about it; a repetition changes nothing.

    Raises ProblemError 404, 409 or 503, or DatabaseUnavailableError.
    """
    requester = Requester(name=g.api_key.name, reason=reason, account_id=visible_account())
    try:
        receipt = erase_by_id(services().engine, job_id, requester, _limits())
    except UnknownJobError:
        raise ProblemError(404, f"{job_id} is not known here, so nothing was erased.") from None
    except HeldError as error:
        raise ProblemError(409, f"Nothing was erased: {error}.") from None
    except (EarlierReleaseError, UnfinishedWriteError) as error:
        raise ProblemError(503, f"Not erased: {error}.", headers=RETRY_HEADERS) from None
    logger.info("job erased", extra={"job": job_id, "erasure": receipt.id, **receipt.counts})


def _limits() -> Limits:
    seconds = max(0.0, request_deadline(request.environ).remaining() - _ANSWER_SECONDS)
    deadline = Deadline(seconds)

    return Limits(
        deadline=deadline,
        hold_connection=lambda: services().limits.connections.hold(deadline.remaining()),
    )
