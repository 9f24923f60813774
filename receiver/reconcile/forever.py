"""Runs a pass whenever something is due, until the process is stopped."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from receiver.privacy.retention import KEEP_ALL, Retention
from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.index_slice import MIN_SLICE_SECONDS, index_slice
from receiver.reconcile.report import Report
from receiver.reconcile.retain_slice import retain_slice
from receiver.reconcile.run import run_pass
from receiver.runtime.deadline import Deadline
from receiver.runtime.errors import locate
from receiver.store.polls import list_scans, queue
from receiver.store.retry import DatabaseUnavailableError

logger = logging.getLogger(__name__)

_MIN_SLEEP_SECONDS = 1.0
# A job that is submitted during a sleep is noticed after at most this time. The check queries our
# database only.
_MAX_SLEEP_SECONDS = 60.0
# After a pass that failed, unless Twilio's Retry-After says how long.
RECOVERY_SECONDS = 30.0


def reconcile_forever(
    context: ReconcileContext,
    *,
    resubmits: bool,
    sleep: Callable[[float], object],
    retention: Retention = KEEP_ALL,
    indexes: bool = False,
) -> None:
    """Run passes until the process is stopping; log each pass that did something.

    After each pass, the retention runs for a while if it is due. With `indexes`, the search index
    is updated too: until the next pass, if it has a backlog.
    """
    while not context.is_stopping():
        seconds = _run_once(context, resubmits=resubmits)
        retain_slice(context, retention)
        if indexes:
            wait = Deadline(seconds)
            index_slice(context, seconds=max(MIN_SLICE_SECONDS, seconds))
            seconds = max(_MIN_SLEEP_SECONDS, wait.remaining())
        if not context.is_stopping():
            sleep(seconds)


def _run_once(context: ReconcileContext, *, resubmits: bool) -> float:
    """Run a pass and return how many seconds to sleep; it never raises."""
    try:
        report = run_pass(context, resubmits=resubmits)
        if not report.is_empty:
            level = logging.WARNING if report.has_failed else logging.INFO
            logger.log(level, "reconciled", extra=report.to_dict())
        return _sleep_seconds(context, report)
    except Exception as error:  # noqa: BLE001 - exiting would only restart the process at once
        logger.error("a pass failed: %s", locate(error))  # noqa: TRY400 - the text may quote Twilio's response
        return RECOVERY_SECONDS


def _sleep_seconds(context: ReconcileContext, report: Report) -> float:
    if report.wait is not None:
        return max(report.wait, _MIN_SLEEP_SECONDS)
    if report.fault is not None:
        return RECOVERY_SECONDS
    try:
        now = context.clock()
        due_at = context.query(_next_due_at, now)
    except DatabaseUnavailableError:
        return RECOVERY_SECONDS
    if due_at is None:
        return _MAX_SLEEP_SECONDS
    seconds = (due_at - now) / timedelta(seconds=1)

    return min(max(seconds, _MIN_SLEEP_SECONDS), _MAX_SLEEP_SECONDS)


def _next_due_at(connection: Connection, now: datetime) -> datetime | None:
    """Return when the next poll or list scan is due."""
    times = (queue.next_due_at(connection), list_scans.next_scan_at(connection, now))

    return min((time for time in times if time), default=None)
