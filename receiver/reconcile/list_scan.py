"""Scans Twilio's list of jobs: those created since the last complete scan began."""

import logging
from datetime import timedelta

from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.documents import record_documents
from receiver.reconcile.report import Report, Reports
from receiver.runtime.errors import ReceiverError, describe
from receiver.runtime.utc import format_utc
from receiver.store.polls import list_scans
from receiver.store.polls.list_scans import Scan, ScanCounts
from receiver.twilio.client import Page, TwilioRefusedError

logger = logging.getLogger(__name__)

# How long one page may take, with a hundred jobs to record.
LEASE = timedelta(minutes=3)


class ScanTakenOverError(ReceiverError):
    """A page took longer than the lease, and another reconciler continued the scan."""


class StoppedError(ReceiverError):
    """The process is stopping; the next scan continues."""


def scan_list(context: ReconcileContext) -> Reports:
    """Read the whole list and record what is new, unless another reconciler is doing so.

    Raises ScanTakenOverError, StoppedError, TwilioRefusedError, TwilioBusyError,
    TwilioUnavailableError or store.retry.DatabaseUnavailableError. The next scan continues where
    this one ended.
    """
    now = context.clock()
    scan = context.query(list_scans.begin, at=now, leased_until=now + LEASE)
    if scan is None:
        return
    try:
        yield from _read_pages(context, scan)
    except BaseException as error:
        _abort(context, scan, error)
        raise
    context.query(list_scans.complete, scan, context.clock())
    yield Report(listed=True)


def _read_pages(context: ReconcileContext, scan: Scan) -> Reports:
    query = {"createdAfter": format_utc(scan.created_after)}
    if scan.token:
        query["pageToken"] = scan.token
    for page in context.twilio.list(**query):
        yield from _record_page(context, scan, page)
        if context.is_stopping() and page.next_token:
            raise StoppedError("The process is stopping.")


def _record_page(context: ReconcileContext, scan: Scan, page: Page) -> Reports:
    total = Report()
    for report in record_documents(context, page.documents):
        total += report
        yield report
    counts = ScanCounts(checked=total.checked, changed=total.changed, found=total.found)
    leased_until = context.clock() + LEASE
    if not context.query(
        list_scans.advance, scan, counts, token=page.next_token, leased_until=leased_until
    ):
        raise ScanTakenOverError("Another reconciler took over the scan of the list.")


def _abort(context: ReconcileContext, scan: Scan, error: BaseException) -> None:
    """Store that the scan ended early. If that fails, the end of its lease shows it."""
    # A page that Twilio refuses can't be the start of the next scan.
    is_resumable = not isinstance(error, TwilioRefusedError)
    try:
        with context.engine.connect() as connection:
            list_scans.abort(
                connection,
                scan,
                context.clock(),
                fault=type(error).__name__,
                resumable=is_resumable,
            )
    except Exception as store_error:  # noqa: BLE001 - the caller raises the first error
        logger.warning("the end of a list scan was not stored: %s", describe(store_error))
