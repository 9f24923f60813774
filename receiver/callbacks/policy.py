"""The response policy: what becomes of a callback, and how Twilio is answered, as one table.

Twilio tries again after a 5xx, 408, 425 or 429, three times at most; any other 4xx is final. So a
4xx is for what isn't shown to be Twilio's, or can never be taken; a 2xx for what is durable; and
whatever fails on our side, our own faults too, is a 503.
"""

import enum
from http import HTTPStatus
from typing import NamedTuple

from flask import Response

from receiver.bodies.reader import BodyIncompleteError, BodyTooLargeError, MemoryBudgetError
from receiver.callbacks.persist import Persisted, Spooled
from receiver.runtime.timeouts import DeadlineExceededError
from receiver.signatures.signature import SignatureError
from receiver.store.event import Outcome
from receiver.store.retry import DatabaseUnavailableError
from receiver.web.problems import problem, unavailable


class CallbackResult(enum.Enum):
    """What became of a callback."""

    RECORDED = enum.auto()  # in the ledger, and judged anew if it was there already
    QUARANTINED = enum.auto()  # in the ledger, for an operator to look at
    SPOOLED = enum.auto()  # the database is away; the folder outlives the machine
    SPOOLED_MEANWHILE = enum.auto()  # the database is away; the folder may go with the machine
    AWAY = enum.auto()  # the database is away, and there is no spool, or its disk failed too
    IN_FLIGHT = enum.auto()  # the worker holds too many bodies
    CUT_SHORT = enum.auto()  # the body ended before its promised length
    FAULT = enum.auto()  # ours
    UNSIGNED = enum.auto()
    TOO_LARGE = enum.auto()


class Answer(NamedTuple):
    """An HTTP status, and the sentence in the problem document that comes with it."""

    status: HTTPStatus
    detail: str = ""


_DONE = HTTPStatus.NO_CONTENT
_AGAIN = HTTPStatus.SERVICE_UNAVAILABLE

POLICY = {
    CallbackResult.RECORDED: Answer(_DONE),
    CallbackResult.QUARANTINED: Answer(_DONE),
    CallbackResult.SPOOLED: Answer(_DONE),
    CallbackResult.SPOOLED_MEANWHILE: Answer(
        _AGAIN, "The database is away. Send the callback again."
    ),
    CallbackResult.AWAY: Answer(_AGAIN, "The database is away. Send the callback again."),
    CallbackResult.IN_FLIGHT: Answer(_AGAIN, "Too much is in flight. Send the callback again."),
    CallbackResult.CUT_SHORT: Answer(_AGAIN, "The body was cut short. Send the callback again."),
    CallbackResult.FAULT: Answer(_AGAIN, "The callback could not be made durable. Send it again."),
    CallbackResult.UNSIGNED: Answer(
        HTTPStatus.FORBIDDEN, "The signature doesn't verify: {0.reason}."
    ),
    CallbackResult.TOO_LARGE: Answer(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body exceeds {0.limit} bytes."
    ),
}

_OF_ERRORS: dict[type[Exception], CallbackResult] = {
    DatabaseUnavailableError: CallbackResult.AWAY,
    DeadlineExceededError: CallbackResult.AWAY,
    OSError: CallbackResult.AWAY,
    MemoryBudgetError: CallbackResult.IN_FLIGHT,
    BodyIncompleteError: CallbackResult.CUT_SHORT,
    SignatureError: CallbackResult.UNSIGNED,
    BodyTooLargeError: CallbackResult.TOO_LARGE,
}


def result_of(kept: Persisted) -> CallbackResult:
    """Return the fate of what was kept."""
    if isinstance(kept, Spooled):
        return CallbackResult.SPOOLED if kept.durable else CallbackResult.SPOOLED_MEANWHILE

    return (
        CallbackResult.QUARANTINED
        if kept.outcome == Outcome.QUARANTINED
        else CallbackResult.RECORDED
    )


def result_of_error(error: Exception) -> CallbackResult:
    """Return the fate of what could not be kept; an error that nobody foresaw is our fault."""
    return next(
        (fate for kind, fate in _OF_ERRORS.items() if isinstance(error, kind)), CallbackResult.FAULT
    )


def answer(fate: CallbackResult, error: Exception | None = None) -> Response:
    """Return the response to a callback of this fate; the error fills in the sentence."""
    status, detail = POLICY[fate]
    if status == _DONE:
        return Response(status=status)
    if status == _AGAIN:
        return unavailable(detail)

    return problem(status, detail.format(error))
