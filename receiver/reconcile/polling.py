"""Polling: each job that Twilio has more to tell of is asked about when its time comes."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import Connection

from receiver.reconcile.backoff import throttle_seconds
from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.poll_job import poll_job
from receiver.reconcile.report import Report
from receiver.runtime.errors import locate
from receiver.store.polls import queue
from receiver.store.polls.queue import Watch
from receiver.store.polls.refresh import refresh
from receiver.twilio.client import TwilioBusyError, TwilioUnavailableError

logger = logging.getLogger(__name__)

# Jobs that are claimed at once, and for how long. A call to Twilio takes 30 s at most, and all but
# those for long conversations are one call. Where the time isn't enough, another reconciler may ask
# about the same job too: that costs a call, and what Twilio tells is recorded once.
BATCH = 10
LEASE = timedelta(minutes=6)
# So many calls in a row without an answer: it isn't about the jobs.
_MOST_AWAY = 3
# How long one pass asks: then the list of jobs may be due again.
LONGEST = timedelta(minutes=5)


def poll(context: ReconcileContext, report: Report, *, due_by: datetime) -> bool:
    """Ask about the jobs that are due by that time, and settle when to ask again.

    Returns whether all were asked about: if they are many, time runs out.

    Raises TwilioRefusedError where it doesn't know us (401), TwilioBusyError,
    TwilioUnavailableError once it's clear that
    Twilio is away, and store.retry.DatabaseUnavailableError. What was claimed and not settled is
    given back
    then, as it is where the process is to end.
    """
    ends_at = context.clock() + LONGEST
    _refresh(context)
    while not context.is_stopping() and (claimed := _claim(context, due_by)):
        pause = timedelta(0)
        try:
            _ask_about_each(context, claimed, report)
        except TwilioBusyError as busy:
            pause = timedelta(seconds=throttle_seconds(busy))
            raise
        finally:
            _give_back(context, claimed, context.clock() + pause)
        if context.clock() >= ends_at:
            return False

    return True


def _refresh(context: ReconcileContext) -> None:
    """Bring all watches up to date, however many statements that takes."""

    def has_more(connection: Connection) -> bool:
        return refresh(
            connection, account_id=context.account_id, grace=context.grace, at=context.clock()
        )

    while not context.is_stopping() and context.query(has_more):
        pass


def _claim(context: ReconcileContext, due_by: datetime) -> list[Watch]:
    leased_until = context.clock() + LEASE

    return context.query(
        queue.claim,
        account_id=context.account_id,
        due_by=due_by,
        leased_until=leased_until,
        limit=BATCH,
    )


def _ask_about_each(context: ReconcileContext, claimed: list[Watch], report: Report) -> None:
    """Ask about one after the other, and leave in the list those that weren't asked about."""
    away = 0
    while claimed and not context.is_stopping():
        answered = poll_job(context, claimed[0], report)
        claimed.pop(0)
        away = 0 if answered else away + 1
        if away == _MOST_AWAY:
            raise TwilioUnavailableError(f"Twilio did not answer {away} times in a row.")


def _give_back(context: ReconcileContext, claimed: list[Watch], due_at: datetime) -> None:
    """Let others ask, if the store hears of it; else the lease ends some time."""
    if not claimed:
        return
    try:
        with context.engine.connect() as connection:
            queue.release(connection, claimed, due_at)
    except Exception as error:  # noqa: BLE001 - what made us give back is the error to tell
        logger.warning("claimed jobs were not given back: %s", locate(error))
