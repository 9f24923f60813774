"""The response policy: how each result of a callback is answered, as one table.

Twilio retries after a 5xx, 408, 425 or 429, at most three times; any other 4xx is final. So a 4xx
is for what isn't proved to be Twilio's, or can never be accepted. A 2xx is for what is durable. All
failures on our side, including errors in our code, are a 503.
"""

import enum
from http import HTTPStatus
from typing import NamedTuple

from flask import Response

from receiver.bodies.memory_budget import MemoryBudgetError
from receiver.bodies.reader import BodyIncompleteError, BodyTooLargeError
from receiver.callbacks.persist import Persisted, Spooled
from receiver.runtime.timeouts import DeadlineExceededError
from receiver.signatures.matching import SignatureError
from receiver.store.event import Outcome
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.problems import problem, unavailable


class CallbackResult(enum.Enum):
    """What happened to a callback."""

    RECORDED = enum.auto()  # in the ledger, even if it was there before
    QUARANTINED = enum.auto()  # in the ledger, for an operator to inspect
    SPOOLED = enum.auto()  # the database is unavailable; the spool is durable
    SPOOLED_FOR_NOW = enum.auto()  # the database is unavailable; the spool may be lost
    DATABASE_UNAVAILABLE = enum.auto()  # and no spool stored it
    MEMORY_FULL = enum.auto()  # the worker holds too many bodies
    INCOMPLETE = enum.auto()  # the body is shorter than its Content-Length
    FAULT = enum.auto()  # our own
    SIGNATURE_WRONG = enum.auto()
    TOO_LARGE = enum.auto()


class Answer(NamedTuple):
    """An HTTP status, and the detail of its problem document."""

    status: HTTPStatus
    detail: str = ""


_OK = HTTPStatus.NO_CONTENT
_RETRY = HTTPStatus.SERVICE_UNAVAILABLE
_UNAVAILABLE = Answer(_RETRY, "The database is unavailable. Send the callback again.")

POLICY = {
    CallbackResult.RECORDED: Answer(_OK),
    CallbackResult.QUARANTINED: Answer(_OK),
    CallbackResult.SPOOLED: Answer(_OK),
    CallbackResult.SPOOLED_FOR_NOW: _UNAVAILABLE,
    CallbackResult.DATABASE_UNAVAILABLE: _UNAVAILABLE,
    CallbackResult.MEMORY_FULL: Answer(
        _RETRY, "Too many bodies at the same time. Send the callback again."
    ),
    CallbackResult.INCOMPLETE: Answer(_RETRY, "The body is incomplete. Send the callback again."),
    CallbackResult.FAULT: Answer(_RETRY, "The callback was not made durable. Send it again."),
    CallbackResult.SIGNATURE_WRONG: Answer(
        HTTPStatus.FORBIDDEN, "The signature doesn't verify: {0.reason}."
    ),
    CallbackResult.TOO_LARGE: Answer(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body exceeds {0.limit_bytes} bytes."
    ),
}

_RESULT_OF_ERROR: dict[type[Exception], CallbackResult] = {
    DatabaseUnavailableError: CallbackResult.DATABASE_UNAVAILABLE,
    DeadlineExceededError: CallbackResult.DATABASE_UNAVAILABLE,
    OSError: CallbackResult.DATABASE_UNAVAILABLE,
    MemoryBudgetError: CallbackResult.MEMORY_FULL,
    BodyIncompleteError: CallbackResult.INCOMPLETE,
    SignatureError: CallbackResult.SIGNATURE_WRONG,
    BodyTooLargeError: CallbackResult.TOO_LARGE,
}


def result_of(persisted: Persisted) -> CallbackResult:
    """Return the result of a callback that was persisted."""
    if isinstance(persisted, Spooled):
        return CallbackResult.SPOOLED if persisted.durable else CallbackResult.SPOOLED_FOR_NOW
    if persisted.outcome == Outcome.QUARANTINED:
        return CallbackResult.QUARANTINED

    return CallbackResult.RECORDED


def result_of_error(error: Exception) -> CallbackResult:
    """Return the result of a callback that failed; any other error is an error in our code."""
    results = (result for kind, result in _RESULT_OF_ERROR.items() if isinstance(error, kind))

    return next(results, CallbackResult.FAULT)


def respond(result: CallbackResult, error: Exception | None = None) -> Response:
    """Return the response; the error fills in the detail."""
    status, detail = POLICY[result]
    if status == _OK:
        return Response(status=status)
    if status == _RETRY:
        return unavailable(detail)

    return problem(status, detail.format(error))
