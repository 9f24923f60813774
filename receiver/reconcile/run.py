"""One pass: the submissions without an answer, the list of jobs, and the jobs that are due."""

from datetime import datetime

from receiver.reconcile.backoff import throttle_seconds
from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.list_scan import ScanTakenOverError, StoppedError, scan_list
from receiver.reconcile.poll_due import poll_due_jobs
from receiver.reconcile.report import Report
from receiver.reconcile.resubmit import resubmit_missing, resume_unanswered
from receiver.store.polls import list_scans
from receiver.store.retry import DatabaseUnavailableError
from receiver.twilio.client import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError


def reconcile(context: ReconcileContext, *, resubmits: bool = False) -> Report:
    """Do all that is due, and return what it came to; whatever ends it early is told there.

    The list of jobs comes first, and again when it is due, should there be much to ask about. With
    `resubmits` the recordings of missing transcripts are submitted again, which costs money.
    """
    report, due_by = Report(), context.clock()
    is_done = _pass(context, report, due_by, resubmits=resubmits, lists=True)
    while not is_done:
        is_done = _pass(context, report, due_by, resubmits=resubmits)

    return report


def run_pass(context: ReconcileContext, *, resubmits: bool = False) -> Report:
    """Do one pass, but go through the list of jobs only if it is time for that.

    Of many jobs that are due some are left so for the next pass.
    """
    report = Report()
    _pass(context, report, context.clock(), resubmits=resubmits)

    return report


def _pass(
    context: ReconcileContext,
    report: Report,
    due_by: datetime,
    *,
    resubmits: bool,
    lists: bool = False,
) -> bool:
    """Do one pass, and return whether nothing of it is left to be done now."""
    try:
        # First, for Twilio remembers their keys for a day only.
        _resume(context, report)
        if lists or _is_time_for_the_list(context):
            _list(context, report)
        is_done = poll_due_jobs(context, report, due_by=due_by)
        if resubmits:
            resubmit_missing(context, report)
    except TwilioBusyError as busy:
        _add_fault(report, str(busy))
        report.wait = throttle_seconds(busy)
    except (TwilioUnavailableError, TwilioRefusedError, DatabaseUnavailableError) as error:
        _add_fault(report, _told(error))
    except StoppedError:
        pass  # the next pass takes the list up where it is
    else:
        return is_done

    return True


def _is_time_for_the_list(context: ReconcileContext) -> bool:
    due = context.query(list_scans.next_scan_at)

    return due is None or due <= context.clock()


def _resume(context: ReconcileContext, report: Report) -> None:
    """Ask for what was submitted and has no answer; where that fails, there is the rest to do."""
    try:
        resume_unanswered(context, report)
    except TwilioUnavailableError as error:
        _add_fault(report, f"Submissions without an answer were not asked for: {error}")


def _list(context: ReconcileContext, report: Report) -> None:
    """Go through the list; where that fails, what is due can be asked about all the same."""
    try:
        scan_list(context, report)
    except (TwilioUnavailableError, TwilioRefusedError, ScanTakenOverError) as error:
        if isinstance(error, TwilioRefusedError) and error.is_credentials_error:
            raise
        _add_fault(report, f"The list of jobs was not read: {error}")


def _add_fault(report: Report, fault: str) -> None:
    """Tell of it too, once, however many passes it befalls."""
    told = report.fault or ""
    if fault not in told:
        report.fault = f"{told} {fault}".strip()


def _told(error: Exception) -> str:
    if isinstance(error, DatabaseUnavailableError):
        return f"The database did not answer: {error}."

    return str(error)
