"""Polls the jobs that are due: claims them in batches and asks Twilio about each one."""

import logging
from collections.abc import Generator
from datetime import datetime, timedelta

from sqlalchemy import Connection

from receiver.reconcile.backoff import throttle_seconds
from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.poll_job import poll_job
from receiver.reconcile.report import Report, Reports
from receiver.runtime.errors import locate
from receiver.store.polls import queue
from receiver.store.polls.queue import Watch
from receiver.store.polls.refresh import MAX_ROWS_PER_STATEMENT, refresh
from receiver.twilio.client import TwilioBusyError, TwilioUnavailableError

logger = logging.getLogger(__name__)

# A batch of jobs is claimed for the time of the lease. A call to Twilio takes at most 30 s, and
# only long conversations need several. If the lease ends too early, another reconciler may poll the
# same job: that costs a call, but a document is recorded once.
BATCH_SIZE = 10
LEASE = timedelta(minutes=6)
# After this many unanswered calls in a row, Twilio is unavailable for all jobs.
_MAX_UNANSWERED_CALLS = 3
# How long one pass polls. After this time the list of jobs may be due again.
MAX_POLL_TIME = timedelta(minutes=5)


def poll_due_jobs(
    context: ReconcileContext, *, due_by: datetime, max_rows: int = MAX_ROWS_PER_STATEMENT
) -> Generator[Report, None, bool]:
    """Poll the jobs that are due at this time; return False if there was no time for all of them.

    `max_rows` is how many watches one statement may write.

    Raises TwilioRefusedError for a 401, TwilioBusyError, TwilioUnavailableError after several
    unanswered calls, and store.retry.DatabaseUnavailableError. In all cases, claimed jobs that were
    not polled are released.
    """
    ends_at = context.clock() + MAX_POLL_TIME
    _refresh_watches(context, max_rows)
    while not context.is_stopping() and (claimed := _claim(context, due_by)):
        delay = timedelta(0)
        try:
            yield from _poll_each(context, claimed)
        except TwilioBusyError as busy:
            delay = timedelta(seconds=throttle_seconds(busy))
            raise
        finally:
            _release(context, claimed, delay)
        if context.clock() >= ends_at:
            return False

    return True


def _refresh_watches(context: ReconcileContext, max_rows: int) -> None:
    """Bring all watches up to date; one statement handles a limited number."""

    def has_more(connection: Connection) -> bool:
        return refresh(
            connection,
            account_id=context.account_id,
            grace=context.grace,
            at=context.clock(),
            max_rows=max_rows,
        )

    while not context.is_stopping() and context.query(has_more):
        pass


def _claim(context: ReconcileContext, due_by: datetime) -> list[Watch]:
    return context.query(
        queue.claim,
        account_id=context.account_id,
        due_by=due_by,
        leased_until=context.clock() + LEASE,
        limit=BATCH_SIZE,
    )


def _poll_each(context: ReconcileContext, claimed: list[Watch]) -> Reports:
    """Poll the jobs in order, and remove each from the list afterwards."""
    unanswered = 0
    while claimed and not context.is_stopping():
        is_answered = yield from poll_job(context, claimed[0])
        claimed.pop(0)
        unanswered = 0 if is_answered else unanswered + 1
        if unanswered == _MAX_UNANSWERED_CALLS:
            raise TwilioUnavailableError(f"Twilio did not answer {unanswered} times in a row.")


def _release(context: ReconcileContext, claimed: list[Watch], delay: timedelta) -> None:
    """Make the jobs due after the delay. If the store is unavailable, their lease ends later."""
    if not claimed:
        return
    try:
        due_at = context.clock() + delay
        with context.engine.connect() as connection:
            queue.release(connection, claimed, due_at)
    except Exception as error:  # noqa: BLE001 - the caller raises the first error
        logger.warning("claimed jobs were not released: %s", locate(error))
