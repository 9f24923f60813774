"""The view that submits a job in Twilio's own form: `POST /v3/Transcriptions`."""

import time
from typing import Any

from flask import Response, g, jsonify, request

from receiver.preflight.check_throttled import check_throttled
from receiver.runtime.deadline import Deadline, request_deadline
from receiver.runtime.timeouts import LOG_FIELDS, time_limit
from receiver.services import services
from receiver.store.retry import query
from receiver.store.submissions import outbox
from receiver.store.submissions.outbox import Submission
from receiver.submissions import error_responses
from receiver.submissions.participants import participants_fault, stores_into_conversation
from receiver.submissions.request import (
    invalid_request,
    is_check_requested,
    read_idempotency_key,
    read_submission,
)
from receiver.submissions.submit import Intent, submit
from receiver.twilio.client import Twilio, TwilioUnavailableError, open_twilio
from receiver.web.auth import visible_account
from receiver.web.job_view import describe_operation, retry_headers
from receiver.web.problems import ProblemError
from schemas.transcription import Accepted

# Reserved at the end of the request's time, so that the service itself answers, with the key.
_ANSWER_SECONDS = 0.5
# Reserved before that for the store, after Twilio's response.
_STORE_SECONDS = 1.5
# Before Twilio is called again; doubled each time.
_FIRST_PAUSE_SECONDS = 0.25
# A call isn't repeated if less time is left for it.
_MIN_CALL_SECONDS = 1.0
# For fetching the configuration, so that time is left for the submission.
_CONFIGURATION_TIMEOUT_SECONDS = 2.0


def create_transcription() -> Response:
    """Submit a job to Twilio, once for each Idempotency-Key."""
    _require_own_account()
    g.idempotency_key = read_idempotency_key()
    seconds = max(0.0, request_deadline(request.environ).remaining() - _ANSWER_SECONDS)
    try:
        with time_limit(seconds):
            return _submit(Deadline(seconds))
    except error_responses.ERRORS as error:
        return error_responses.respond(error)


def _require_own_account() -> None:
    """Raise ProblemError 403 for a key that is bound to an account other than Twilio's client's."""
    account_id = visible_account()
    if account_id not in {None, services().settings.account_sid}:
        raise ProblemError(
            403,
            f"The API key {g.api_key.name} is bound to {account_id}, but this service submits jobs "
            "only for the account in its setting TWILIO_ACCOUNT_SID.",
        )


def _submit(deadline: Deadline) -> Response:
    is_check_wanted, document = is_check_requested(), read_submission()
    parts = services()
    # A submission that Twilio has accepted already is not checked again.
    needs_checks = bool(document.get("media_url")) and not _is_repeat(deadline)
    if needs_checks and is_check_wanted:
        _check_media(document["media_url"])
    intent = Intent(
        idempotency_key=g.idempotency_key, request=document, submitted_by=g.api_key.name
    )
    twilio_deadline = Deadline(deadline.remaining() - _STORE_SECONDS)
    with open_twilio(parts.settings, deadline=twilio_deadline) as twilio:
        if needs_checks:
            _check_participants(twilio, document)
        submission = _submit_until_answered(twilio, intent, deadline, twilio_deadline)
    request.environ[LOG_FIELDS] |= {"job": submission.job_id}

    return _accepted(submission, deadline)


def _submit_until_answered(
    twilio: Twilio, intent: Intent, deadline: Deadline, twilio_deadline: Deadline
) -> Submission:
    """Submit the job; if Twilio gives no usable answer, repeat it while there is time.

    Twilio recognizes the repeated request by its Idempotency-Key. Raises what `submit` raises.
    """
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return submit(services().engine, twilio, intent, deadline)
        except TwilioUnavailableError:
            if twilio_deadline.remaining() < pause_seconds + _MIN_CALL_SECONDS:
                raise
        time.sleep(pause_seconds)
        pause_seconds *= 2


def _is_repeat(deadline: Deadline) -> bool:
    """Return whether Twilio has accepted a submission with this key."""
    return bool(query(services().engine, deadline, outbox.accepted_jobs, [g.idempotency_key]))


def _check_media(url: str) -> None:
    """Raise ProblemError 422 if the file would fail, PreflightBusyError if it can't start."""
    if faults := check_throttled(url):
        raise ProblemError(
            422,
            "Twilio was not asked, because the mediaUrl would fail: "
            f"{'; '.join(map(str, faults))}.",
            code=faults[0].code,
            errors=[{"detail": str(fault), "pointer": "/mediaUrl"} for fault in faults],
        )


def _check_participants(twilio: Twilio, document: dict[str, Any]) -> None:
    """Raise ProblemError 400 if participants are required and missing."""

    def has_conversation(configuration_id: str) -> bool:
        return stores_into_conversation(
            twilio, configuration_id, timeout_seconds=_CONFIGURATION_TIMEOUT_SECONDS
        )

    if fault := participants_fault(document, has_conversation):
        raise invalid_request([fault])


def _accepted(submission: Submission, deadline: Deadline) -> Response:
    """Return Twilio's answer to the submission; a repeated request gets the same."""
    job = query(services().engine, deadline, outbox.job_as_accepted, submission)
    if job is None:
        raise ProblemError(
            502,
            f"Twilio accepted the job as {submission.job_id}, but its answer can't be used: "
            "`callbacks list --source submission` shows why. Don't submit the job again.",
        )
    # Twilio's credentials may be of another account than TWILIO_ACCOUNT_SID, or were so before.
    if visible_account() not in {None, job["account_id"]}:
        raise ProblemError(
            502,
            "Twilio accepted the job, but for another account than that of the API key: the "
            "operator of this service must correct TWILIO_ACCOUNT_SID or its credentials.",
        )
    response = jsonify(Accepted().dump(describe_operation(job)))
    response.status_code = 202
    response.headers["Location"] = response.get_json()["statusUrl"]
    response.headers["Operation-Id"] = job["id"]
    response.headers.update(retry_headers(job))

    return response
