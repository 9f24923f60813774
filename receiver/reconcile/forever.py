"""Reconciling for good: a pass whenever something is due, and little in between."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.report import Report
from receiver.reconcile.run import reconcile_what_is_due
from receiver.runtime.errors import locate
from receiver.store.polls import list_scans, queue
from receiver.store.retry import DatabaseUnavailableError

logger = logging.getLogger(__name__)

# In seconds. A job that somebody submits is noticed after a minute at the latest: that is a look
# at our own database, and costs Twilio nothing.
_SHORTEST, _LONGEST = 1.0, 60.0
# After a pass that failed, unless Twilio says how long.
RECOVERY = 30.0


def reconcile_forever(
    context: ReconcileContext, *, resubmits: bool, sleep: Callable[[float], object]
) -> None:
    """Do passes until the desk is to stop, with a line in the log for each that did anything."""
    while not context.is_stopping():
        seconds = _once(context, resubmits=resubmits)
        if not context.is_stopping():
            sleep(seconds)


def _once(context: ReconcileContext, *, resubmits: bool) -> float:
    """Do a pass, and return for how long to sleep then; whatever goes wrong, the next may do."""
    try:
        report = reconcile_what_is_due(context, resubmits=resubmits)
        level = logging.WARNING if report.has_failed else logging.INFO
        if report.is_eventful:
            logger.log(level, "reconciled", extra=report.told())
        return _seconds(context, report)
    except Exception as error:  # noqa: BLE001 - ending would only start it anew, and at once
        logger.error("a pass failed: %s", locate(error))  # noqa: TRY400 - its text may quote what Twilio said
        return RECOVERY


def _seconds(context: ReconcileContext, report: Report) -> float:
    """Return how long to sleep."""
    if report.wait is not None:
        return max(report.wait, _SHORTEST)
    if report.fault is not None:
        return RECOVERY
    try:
        due = context.query(_next)
    except DatabaseUnavailableError:
        return RECOVERY
    seconds = (due - context.clock()) / timedelta(seconds=1) if due else _LONGEST

    return min(max(seconds, _SHORTEST), _LONGEST)


def _next(connection: Connection) -> datetime | None:
    times = (queue.next_due(connection), list_scans.next_scan_at(connection))

    return min((time for time in times if time), default=None)
