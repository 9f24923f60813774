"""Resumes submissions that have no answer: the process that submitted them has ended."""

import logging
from datetime import datetime, timedelta
from http import HTTPStatus

from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.report import Report, Reports
from receiver.runtime.errors import locate
from receiver.store.retry import DatabaseUnavailableError
from receiver.store.submissions import intents
from receiver.store.submissions.outbox import Submission, find_unanswered
from receiver.submissions.submit import resume
from receiver.twilio.client import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError

logger = logging.getLogger(__name__)

# No request and no command waits this long for Twilio's answer.
_MIN_AGE = timedelta(minutes=2)


def resume_unanswered(context: ReconcileContext) -> Reports:
    """Repeat the requests that have no answer; for a repeated key, Twilio creates no second job.

    Raises TwilioRefusedError for a 401, TwilioBusyError, TwilioUnavailableError or
    store.retry.DatabaseUnavailableError.
    """
    now = context.clock()
    for submission in context.query(find_unanswered, now - _MIN_AGE):
        if context.is_stopping():
            return
        yield _resume(context, submission, now)


def _resume(context: ReconcileContext, submission: Submission, now: datetime) -> Report:
    claimed = context.query(intents.claim, submission, now)
    if claimed is None:
        return Report()  # another reconciler has it
    try:
        resume(context.engine, context.twilio, claimed)
    except TwilioRefusedError as error:
        return count_refusal(error, claimed.idempotency_key)
    except (TwilioBusyError, TwilioUnavailableError, DatabaseUnavailableError):
        raise
    except Exception as error:  # noqa: BLE001 - it must not prevent the other submissions
        fields = {"key": claimed.idempotency_key}
        logger.error("resuming a submission failed: %s", locate(error), extra=fields)  # noqa: TRY400 - the text may quote Twilio's response
        return Report(errors=1)

    return Report(resumed=1)


def count_refusal(error: TwilioRefusedError, key: str) -> Report:
    """Log a refusal and return its count; raise a 401, which every request would get."""
    if error.status == HTTPStatus.UNAUTHORIZED:
        raise error
    logger.warning("Twilio refused a submission: %s", error.code, extra={"key": key})

    return Report(errors=1)
