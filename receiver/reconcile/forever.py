"""Reconciling for good: a pass whenever something is due, and little in between."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from receiver.reconcile.desk import Desk
from receiver.reconcile.report import Report
from receiver.reconcile.run import reconcile_what_is_due
from receiver.runtime.errors import place_of
from receiver.store.polls import list_scans, polls
from receiver.store.retry import Unavailable

logger = logging.getLogger(__name__)

# In seconds. A job that somebody submits is noticed after a minute at the latest: that is a look
# at our own database, and costs Twilio nothing.
_SHORTEST, _LONGEST = 1.0, 60.0
# After a pass that failed, unless Twilio says how long.
RECOVERY = 30.0


def reconcile_forever(desk: Desk, *, resubmits: bool, sleep: Callable[[float], object]) -> None:
    """Do passes until the desk is to stop, with a line in the log for each that did anything."""
    while not desk.is_stopping():
        seconds = _once(desk, resubmits=resubmits)
        if not desk.is_stopping():
            sleep(seconds)


def _once(desk: Desk, *, resubmits: bool) -> float:
    """Do a pass, and return for how long to sleep then; whatever goes wrong, the next may do."""
    try:
        report = reconcile_what_is_due(desk, resubmits=resubmits)
        level = logging.WARNING if report.has_failed else logging.INFO
        if report.is_eventful:
            logger.log(level, "reconciled", extra=report.told())
        return _seconds(desk, report)
    except Exception as error:  # noqa: BLE001 - ending would only start it anew, and at once
        logger.error("a pass failed: %s", place_of(error))  # noqa: TRY400 - its text may quote what Twilio said
        return RECOVERY


def _seconds(desk: Desk, report: Report) -> float:
    """Return how long to sleep."""
    if report.wait is not None:
        return max(report.wait, _SHORTEST)
    if report.fault is not None:
        return RECOVERY
    try:
        due = desk.ask(_next)
    except Unavailable:
        return RECOVERY
    seconds = (due - desk.clock()) / timedelta(seconds=1) if due else _LONGEST

    return min(max(seconds, _SHORTEST), _LONGEST)


def _next(connection: Connection) -> datetime | None:
    times = (polls.next_due(connection), list_scans.next_pass(connection))

    return min((time for time in times if time), default=None)
