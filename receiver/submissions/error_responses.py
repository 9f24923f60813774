"""The problem documents for the errors of a submission."""

import logging
import math
from collections.abc import Callable
from typing import Any

from flask import Response, g

from receiver.preflight.errors import PreflightBusyError
from receiver.runtime.timeouts import DeadlineExceededError
from receiver.store.retry import DatabaseUnavailableError
from receiver.store.submissions.outbox import (
    KeyReusedError,
    OutcomeUnknownError,
    SubmissionErasedError,
)
from receiver.twilio.client import (
    NotConfiguredError,
    TwilioBusyError,
    TwilioRefusedError,
    TwilioUnavailableError,
)
from receiver.web.problems import RETRY_AFTER_SECONDS, problem, unavailable

logger = logging.getLogger(__name__)

_KEY_REUSED_CODE = 17534  # Twilio's


def respond(error: Exception) -> Response:
    """Return the response to one of ERRORS."""
    response = next(_RESPONSES[each] for each in type(error).__mro__ if each in _RESPONSES)

    return response(error)


def _not_configured(error: NotConfiguredError) -> Response:
    return problem(501, str(error))


def _key_reused(_error: KeyReusedError) -> Response:
    """Answer as Twilio does."""
    detail = "The Idempotency-Key was already used for another request: use a new one."

    return problem(422, detail, code=_KEY_REUSED_CODE)


def _erased(_error: SubmissionErasedError) -> Response:
    detail = (
        "The submission with this Idempotency-Key was erased, so nothing was submitted. Use a new "
        "Idempotency-Key to submit a new job."
    )

    return problem(410, detail)


def _outcome_unknown(error: OutcomeUnknownError) -> Response:
    return problem(409, str(error))


def _refused(error: TwilioRefusedError) -> Response:
    """Return Twilio's refusal; a refusal of our credentials isn't the client's fault."""
    if error.is_credentials_error:
        detail = f"Twilio refuses the credentials of this service: {error.detail}"
        return problem(502, detail, code=error.code)
    errors = [{"detail": error.detail, "pointer": ""} | fault for fault in error.errors]

    return problem(error.status, error.detail, code=error.code, errors=errors)


def _busy(error: TwilioBusyError) -> Response:
    seconds = error.retry_after_seconds
    retry_after = RETRY_AFTER_SECONDS if seconds is None else math.ceil(seconds)

    return problem(
        429,
        "Twilio accepts no more requests for now, and did not accept this one. Send it again "
        f"later, with the header Idempotency-Key: {g.idempotency_key}.",
        headers={"Retry-After": str(retry_after)},
    )


def _preflight_busy(_error: PreflightBusyError) -> Response:
    return unavailable(
        "Twilio was not asked: too many files are being checked. Send the request again later."
    )


def _twilio_unavailable(error: TwilioUnavailableError) -> Response:
    return _unanswered(error, "Twilio did not answer")


def _database_unavailable(error: DatabaseUnavailableError) -> Response:
    return _unanswered(error, "The database did not answer")


def _deadline_exceeded(error: DeadlineExceededError) -> Response:
    return _unanswered(error, "The request was not completed in time")


def _unanswered(error: Exception, reason: str) -> Response:
    """Answer that the outcome is unknown: repeating it with a new key could create a second job."""
    logger.warning("submission without an answer: %s", error)

    return unavailable(
        f"{reason}, so it is unknown whether the job was submitted. Send the same request again "
        f"with the header Idempotency-Key: {g.idempotency_key}: this creates no second job."
    )


_RESPONSES: dict[type[Exception], Callable[[Any], Response]] = {
    NotConfiguredError: _not_configured,
    KeyReusedError: _key_reused,
    SubmissionErasedError: _erased,
    OutcomeUnknownError: _outcome_unknown,
    TwilioRefusedError: _refused,
    TwilioBusyError: _busy,
    TwilioUnavailableError: _twilio_unavailable,
    PreflightBusyError: _preflight_busy,
    DatabaseUnavailableError: _database_unavailable,
    DeadlineExceededError: _deadline_exceeded,
}
ERRORS = tuple(_RESPONSES)
