"""Polling: each job that Twilio has more to tell of is asked about when its time comes."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import Connection

from receiver.reconcile.asking import ask_about
from receiver.reconcile.desk import Desk
from receiver.reconcile.pace import patience
from receiver.reconcile.report import Report
from receiver.runtime.errors import place_of
from receiver.store.polls import polls
from receiver.store.polls.polls import Watch
from receiver.store.polls.refresh import refresh
from receiver.twilio.client import TwilioAway, TwilioBusy

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


def poll(desk: Desk, report: Report, *, due_by: datetime) -> bool:
    """Ask about the jobs that are due by that time, and settle when to ask again.

    Returns whether all were asked about: if they are many, time runs out.

    Raises TwilioRefused where it doesn't know us (401), TwilioBusy, TwilioAway once it's clear that
    Twilio is away, and store.retry.Unavailable. What was claimed and not settled is given back
    then, as it is where the process is to end.
    """
    ends_at = desk.clock() + LONGEST
    _refresh(desk)
    while not desk.is_stopping() and (claimed := _claim(desk, due_by)):
        pause = timedelta(0)
        try:
            _ask_about_each(desk, claimed, report)
        except TwilioBusy as busy:
            pause = timedelta(seconds=patience(busy))
            raise
        finally:
            _give_back(desk, claimed, desk.clock() + pause)
        if desk.clock() >= ends_at:
            return False

    return True


def _refresh(desk: Desk) -> None:
    """Bring all watches up to date, however many statements that takes."""

    def has_more(connection: Connection) -> bool:
        return refresh(connection, account_id=desk.account_id, grace=desk.grace, at=desk.clock())

    while not desk.is_stopping() and desk.ask(has_more):
        pass


def _claim(desk: Desk, due_by: datetime) -> list[Watch]:
    leased_until = desk.clock() + LEASE

    return desk.ask(
        lambda connection: polls.claim(
            connection,
            account_id=desk.account_id,
            due_by=due_by,
            leased_until=leased_until,
            limit=BATCH,
        )
    )


def _ask_about_each(desk: Desk, claimed: list[Watch], report: Report) -> None:
    """Ask about one after the other, and leave in the list those that weren't asked about."""
    away = 0
    while claimed and not desk.is_stopping():
        answered = ask_about(desk, claimed[0], report)
        claimed.pop(0)
        away = 0 if answered else away + 1
        if away == _MOST_AWAY:
            raise TwilioAway(f"Twilio did not answer {away} times in a row.")


def _give_back(desk: Desk, claimed: list[Watch], due_at: datetime) -> None:
    """Let others ask, if the store hears of it; else the lease ends some time."""
    if not claimed:
        return
    try:
        with desk.engine.connect() as connection:
            polls.give_back(connection, claimed, due_at)
    except Exception as error:  # noqa: BLE001 - what made us give back is the error to tell
        logger.warning("claimed jobs were not given back: %s", place_of(error))
