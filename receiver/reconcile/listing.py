"""Going through Twilio's list of jobs: what was created since the last complete pass began."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from receiver.reconcile.desk import Desk
from receiver.reconcile.hearing import hear
from receiver.reconcile.report import Report
from receiver.runtime.errors import kind_of
from receiver.store.polls import list_scans
from receiver.store.polls.list_scans import Counts, Pass
from receiver.twilio.client import Page, TwilioRefused

logger = logging.getLogger(__name__)

# How long one page may take, with a hundred jobs to record.
LEASE = timedelta(minutes=3)


class Overtaken(Exception):
    """Another reconciler holds our pass for dead, so long did a page take."""


class Stopped(Exception):
    """The process is to end."""


def list_jobs(desk: Desk, report: Report) -> None:
    """Read the whole list and record what is new, unless another reconciler is at it.

    Raises Overtaken, Stopped, TwilioRefused, TwilioBusy, TwilioAway or store.retry.Unavailable;
    the next pass goes on where this one ended then.
    """
    now = desk.clock()
    begun = desk.ask(
        lambda connection: list_scans.begin(connection, at=now, leased_until=now + LEASE)
    )
    if begun is None:
        return
    try:
        _read_pages(desk, begun, report)
    except BaseException as error:
        _cut_short(desk, begun, error)
        raise
    desk.ask(lambda connection: list_scans.complete(connection, begun, desk.clock()))
    report.listed = True


def _read_pages(desk: Desk, begun: Pass, report: Report) -> None:
    query = {"createdAfter": _stamp(begun.created_after)}
    if begun.token:
        query["pageToken"] = begun.token
    for page in desk.twilio.list(**query):
        _read(desk, begun, page, report)
        if desk.is_stopping() and page.next_token:
            raise Stopped("The process was told to end.")


def _read(desk: Desk, begun: Pass, page: Page, report: Report) -> None:
    before = replace(report)
    hear(desk, page.documents, report)
    counts = Counts(
        checked=report.checked - before.checked,
        changed=report.changed - before.changed,
        found=report.found - before.found,
    )
    lease = desk.clock() + LEASE
    if not desk.ask(
        lambda connection: list_scans.go_on(
            connection, begun, counts, token=page.next_token, leased_until=lease
        )
    ):
        raise Overtaken("Another reconciler took over the list.")


def _cut_short(desk: Desk, begun: Pass, error: BaseException) -> None:
    """Write down that it was, if the store lets us; else the lease tells."""
    # A page that Twilio refuses to give is no place to go on from.
    resumable = not isinstance(error, TwilioRefused)
    try:
        with desk.engine.connect() as connection:
            list_scans.cut_short(
                connection, begun, desk.clock(), fault=type(error).__name__, resumable=resumable
            )
    except Exception as another:  # noqa: BLE001 - the first error is the one to tell
        logger.warning("the end of a pass was not written down: %s", kind_of(another))


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
