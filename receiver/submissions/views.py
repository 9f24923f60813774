"""The route that submits a job: Twilio's own, for whoever has a key that may write."""

import logging
import math

from flask import Blueprint, Response, g, jsonify, request
from sqlalchemy import Engine

from receiver.preflight.errors import PreflightBusyError
from receiver.runtime import deadline
from receiver.runtime.deadline import Deadline
from receiver.runtime.timeouts import DeadlineExceededError, time_limit
from receiver.services import services
from receiver.store.retry import DatabaseUnavailableError, query
from receiver.store.submissions import outbox
from receiver.store.submissions.outbox import KeyReusedError, OutcomeUnknownError, Submission
from receiver.submissions.request import idempotency_key, invalid, is_to_be_checked, wanted
from receiver.submissions.submit import (
    Intent,
    lacks_participants,
    stores_into_conversation,
    submit,
)
from receiver.twilio.client import (
    NotConfiguredError,
    Twilio,
    TwilioBusyError,
    TwilioRefusedError,
    TwilioUnavailableError,
    twilio_of,
)
from receiver.web.auth import require_write_key
from receiver.web.job_view import enveloped
from receiver.web.problems import RETRY_AFTER, ProblemError, problem, unavailable
from schemas.transcription import Accepted

logger = logging.getLogger(__name__)

blueprint = Blueprint("twilio", __name__)
blueprint.before_request(require_write_key)

# In seconds: what is kept of the request's time, so that the answer is still ours and has its key.
_FOR_THE_ANSWER = 0.5
# In seconds: what is kept of the rest for the database, once Twilio has answered.
_FOR_THE_STORE = 1.5
# In seconds: how long may take what comes before; it leaves Twilio some time for the submission.
_FOR_A_CONFIGURATION = 2.0

_WHY: dict[type[Exception], str] = {
    TwilioUnavailableError: "Twilio did not answer",
    DatabaseUnavailableError: "The database did not answer",
}


@blueprint.post("/v3/Transcriptions")
def create_transcription() -> Response:
    """Submit a job to Twilio, once for each Idempotency-Key."""
    g.idempotency_key = idempotency_key()
    seconds = max(0.0, deadline.of(request.environ).remaining() - _FOR_THE_ANSWER)
    with time_limit(seconds):
        return _created(Deadline(seconds))


@blueprint.after_request
def _with_its_key(response: Response) -> Response:
    """Tell the key with every answer, an error's too: a repeat needs it."""
    if "idempotency_key" in g:
        response.headers["Idempotency-Key"] = g.idempotency_key

    return response


def _created(until_when: Deadline) -> Response:
    checks, asked_for = is_to_be_checked(), wanted()
    engine = services().engine
    url = asked_for.get("media_url")
    if url and not _is_taken(engine, until_when):
        if checks:
            _check(url)
        if fault := lacks_participants(asked_for, _stores):
            raise invalid([fault])
    intent = Intent(
        idempotency_key=g.idempotency_key, request=asked_for, submitted_by=g.api_key.name
    )
    with _twilio(until_when.remaining() - _FOR_THE_STORE) as twilio:
        submission = submit(engine, twilio, intent, until_when)
    logger.info("job submitted", extra={"job": submission.job_id, "by": g.api_key.name})

    return _accepted(engine, submission, until_when)


def _twilio(seconds: float) -> Twilio:
    """Return what calls Twilio for so long at most; raises NotConfiguredError."""
    return twilio_of(services().settings, deadline=Deadline(seconds))


def _stores(configuration_id: str) -> bool:
    """Tell whether transcripts go into a conversation, as far as Twilio says so in time."""
    with _twilio(_FOR_A_CONFIGURATION) as twilio:
        return stores_into_conversation(twilio, configuration_id)


def _is_taken(engine: Engine, until_when: Deadline) -> bool:
    """Tell whether this is the repeat of what Twilio has taken: then nothing is looked at."""
    return bool(query(engine, until_when, outbox.accepted_jobs, [g.idempotency_key]))


def _check(url: str) -> None:
    """Look at the file; raises Problem 422 for what would fail, Busy where it isn't looked at."""
    # An audio library, which the web process doesn't need to start.
    from receiver.preflight.check_throttled import check_throttled  # noqa: PLC0415

    if faults := check_throttled(url):
        raise ProblemError(
            422,
            f"Twilio was not asked, for the mediaUrl would fail: {'; '.join(map(str, faults))}.",
            code=faults[0].code,
            errors=[{"detail": str(fault), "pointer": "/mediaUrl"} for fault in faults],
        )


def _accepted(engine: Engine, submission: Submission, until_when: Deadline) -> Response:
    """Return Twilio's answer to the submission, the first time and every other."""
    job = query(engine, until_when, outbox.job_as_accepted, submission)
    if job is None:
        raise ProblemError(
            502,
            f"Twilio took the job as {submission.job_id}, but what it answered is not kept here "
            "in a form that can be used: `callbacks list` tells why. Don't submit it again.",
        )
    response = jsonify(Accepted().dump(enveloped(job)))
    response.status_code = 202
    response.headers["Location"] = response.get_json()["statusUrl"]

    return response


@blueprint.errorhandler(NotConfiguredError)
def _not_configured(error: NotConfiguredError) -> Response:
    return problem(501, str(error))


@blueprint.errorhandler(KeyReusedError)
def _key_reused(_error: KeyReusedError) -> Response:
    """Answer as Twilio does."""
    detail = "The Idempotency-Key was used for another request already: take a new one."

    return problem(422, detail, code=17534)


@blueprint.errorhandler(OutcomeUnknownError)
def _doubtful(error: OutcomeUnknownError) -> Response:
    return problem(409, str(error))


@blueprint.errorhandler(TwilioRefusedError)
def _refused(error: TwilioRefusedError) -> Response:
    """Pass Twilio's refusal on, unless it is us whom it refuses: that isn't the client's fault."""
    if error.is_of_credentials:
        detail = f"Twilio refuses the credentials of this service: {error.detail}"
        return problem(502, detail, code=error.code)
    errors = [{"detail": "", "pointer": ""} | fault for fault in error.errors]

    return problem(error.status, error.detail, code=error.code, errors=errors)


@blueprint.errorhandler(TwilioBusyError)
def _busy(error: TwilioBusyError) -> Response:
    seconds = RETRY_AFTER if error.retry_after is None else math.ceil(error.retry_after)

    return problem(
        429,
        "Twilio takes no more for now, and did not take this. Send it again later, with the header "
        f"Idempotency-Key: {g.idempotency_key}.",
        headers={"Retry-After": str(seconds)},
    )


@blueprint.errorhandler(PreflightBusyError)
def _looks_at_others(_error: PreflightBusyError) -> Response:
    return unavailable("Twilio was not asked: too many files are looked at. Send it again later.")


@blueprint.errorhandler(TwilioUnavailableError)
@blueprint.errorhandler(DatabaseUnavailableError)
@blueprint.errorhandler(DeadlineExceededError)
def _away(error: Exception) -> Response:
    """Answer that it may have been submitted or not; a new key could make a second job."""
    why = _WHY.get(type(error), "It was not done in time")
    logger.warning("submission without an answer: %s", error)

    return unavailable(
        f"{why}, so the job may have been submitted or not. Send the same again "
        f"with the header Idempotency-Key: {g.idempotency_key}, and there will be one job."
    )
