"""Going through Twilio's list of jobs: what was created since the last complete pass began."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.documents import record_documents
from receiver.reconcile.report import Report
from receiver.runtime.errors import ReceiverError, describe
from receiver.store.polls import list_scans
from receiver.store.polls.list_scans import Scan, ScanCounts
from receiver.twilio.client import Page, TwilioRefusedError

logger = logging.getLogger(__name__)

# How long one page may take, with a hundred jobs to record.
LEASE = timedelta(minutes=3)


class ScanTakenOverError(ReceiverError):
    """Another reconciler holds our pass for dead, so long did a page take."""


class StoppedError(ReceiverError):
    """The process is to end."""


def list_jobs(context: ReconcileContext, report: Report) -> None:
    """Read the whole list and record what is new, unless another reconciler is at it.

    Raises ScanTakenOverError, StoppedError, TwilioRefusedError, TwilioBusyError,
    TwilioUnavailableError or store.retry.DatabaseUnavailableError;
    the next pass goes on where this one ended then.
    """
    now = context.clock()
    begun = context.query(list_scans.begin, at=now, leased_until=now + LEASE)
    if begun is None:
        return
    try:
        _read_pages(context, begun, report)
    except BaseException as error:
        _cut_short(context, begun, error)
        raise
    context.query(list_scans.complete, begun, context.clock())
    report.listed = True


def _read_pages(context: ReconcileContext, begun: Scan, report: Report) -> None:
    query = {"createdAfter": _stamp(begun.created_after)}
    if begun.token:
        query["pageToken"] = begun.token
    for page in context.twilio.list(**query):
        _read(context, begun, page, report)
        if context.is_stopping() and page.next_token:
            raise StoppedError("The process was told to end.")


def _read(context: ReconcileContext, begun: Scan, page: Page, report: Report) -> None:
    before = replace(report)
    record_documents(context, page.documents, report)
    counts = ScanCounts(
        checked=report.checked - before.checked,
        changed=report.changed - before.changed,
        found=report.found - before.found,
    )
    lease = context.clock() + LEASE
    if not context.query(
        list_scans.advance, begun, counts, token=page.next_token, leased_until=lease
    ):
        raise ScanTakenOverError("Another reconciler took over the list.")


def _cut_short(context: ReconcileContext, begun: Scan, error: BaseException) -> None:
    """Write down that it was, if the store lets us; else the lease tells."""
    # A page that Twilio refuses to give is no place to go on from.
    resumable = not isinstance(error, TwilioRefusedError)
    try:
        with context.engine.connect() as connection:
            list_scans.abort(
                connection, begun, context.clock(), fault=type(error).__name__, resumable=resumable
            )
    except Exception as another:  # noqa: BLE001 - the first error is the one to tell
        logger.warning("the end of a pass was not written down: %s", describe(another))


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
