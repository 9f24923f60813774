"""One pass: the submissions without an answer, the list of jobs, and the jobs that are due."""

from datetime import datetime

from receiver.reconcile.desk import Desk
from receiver.reconcile.listing import Overtaken, Stopped, list_jobs
from receiver.reconcile.pace import patience
from receiver.reconcile.polling import poll
from receiver.reconcile.report import Report
from receiver.reconcile.submitting import resubmit_missing, resume_left
from receiver.store.polls import list_scans
from receiver.store.retry import Unavailable
from receiver.twilio.client import TwilioAway, TwilioBusy, TwilioRefused


def reconcile(desk: Desk, *, resubmits: bool = False) -> Report:
    """Do all that is due, and return what it came to; whatever ends it early is told there.

    The list of jobs comes first, and again when it is due, should there be much to ask about. With
    `resubmits` the recordings of missing transcripts are submitted again, which costs money.
    """
    report, due_by = Report(), desk.clock()
    is_done = _pass(desk, report, due_by, resubmits=resubmits, lists=True)
    while not is_done:
        is_done = _pass(desk, report, due_by, resubmits=resubmits)

    return report


def reconcile_what_is_due(desk: Desk, *, resubmits: bool = False) -> Report:
    """Do one pass, but go through the list of jobs only if it is time for that.

    Of many jobs that are due some are left so for the next pass.
    """
    report = Report()
    _pass(desk, report, desk.clock(), resubmits=resubmits)

    return report


def _pass(
    desk: Desk, report: Report, due_by: datetime, *, resubmits: bool, lists: bool = False
) -> bool:
    """Do one pass, and return whether nothing of it is left to be done now."""
    try:
        # First, for Twilio remembers their keys for a day only.
        _resume(desk, report)
        if lists or _is_time_for_the_list(desk):
            _list(desk, report)
        is_done = poll(desk, report, due_by=due_by)
        if resubmits:
            resubmit_missing(desk, report)
    except TwilioBusy as busy:
        _add_fault(report, str(busy))
        report.wait = patience(busy)
    except (TwilioAway, TwilioRefused, Unavailable) as error:
        _add_fault(report, _told(error))
    except Stopped:
        pass  # the next pass takes the list up where it is
    else:
        return is_done

    return True


def _is_time_for_the_list(desk: Desk) -> bool:
    due = desk.ask(list_scans.next_pass)

    return due is None or due <= desk.clock()


def _resume(desk: Desk, report: Report) -> None:
    """Ask for what was submitted and has no answer; where that fails, there is the rest to do."""
    try:
        resume_left(desk, report)
    except TwilioAway as error:
        _add_fault(report, f"Submissions without an answer were not asked for: {error}")


def _list(desk: Desk, report: Report) -> None:
    """Go through the list; where that fails, what is due can be asked about all the same."""
    try:
        list_jobs(desk, report)
    except (TwilioAway, TwilioRefused, Overtaken) as error:
        if isinstance(error, TwilioRefused) and error.is_of_credentials:
            raise
        _add_fault(report, f"The list of jobs was not read: {error}")


def _add_fault(report: Report, fault: str) -> None:
    """Tell of it too, once, however many passes it befalls."""
    told = report.fault or ""
    if fault not in told:
        report.fault = f"{told} {fault}".strip()


def _told(error: Exception) -> str:
    if isinstance(error, Unavailable):
        return f"The database did not answer: {error}."

    return str(error)
