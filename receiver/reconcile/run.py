"""Runs passes: submissions without an answer, the list of jobs, the jobs that are due."""

from collections.abc import Callable, Generator
from datetime import datetime
from functools import partial

from receiver.reconcile.backoff import throttle_seconds
from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.list_scan import ScanTakenOverError, StoppedError, scan_list
from receiver.reconcile.poll_due import poll_due_jobs
from receiver.reconcile.report import Report, Reports
from receiver.reconcile.resubmit import resubmit_missing
from receiver.reconcile.resume import resume_unanswered
from receiver.store.polls import list_scans
from receiver.store.retry import DatabaseUnavailableError
from receiver.twilio.client import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError


def reconcile(context: ReconcileContext, *, resubmits: bool = False) -> Report:
    """Run passes until everything that is due now is done; return their report.

    The first pass scans the list of jobs. With `resubmits`, the recordings of missing transcripts
    are submitted again, which costs money. An error that ends a pass early is the report's fault.
    """
    run = partial(_run_until_done, context, resubmits=resubmits)

    return sum(_run_now(context, run), Report())


def run_pass(context: ReconcileContext, *, resubmits: bool = False) -> Report:
    """Run one pass and return its report, as `reconcile` does.

    The list of jobs is scanned only if a scan is due. If many jobs are due, some are left for the
    next pass.
    """
    run = partial(_run_steps, context, resubmits=resubmits)

    return sum(_run_now(context, run), Report())


def _run_now(context: ReconcileContext, run: Callable[[datetime], Reports]) -> Reports:
    """Run what is due now."""
    try:
        now = context.clock()
    except DatabaseUnavailableError as error:
        yield _database_fault(error)
        return
    yield from run(now)


def _run_until_done(context: ReconcileContext, due_by: datetime, *, resubmits: bool) -> Reports:
    is_done = yield from _run_steps(context, due_by, resubmits=resubmits, scans_list=True)
    while not is_done:
        is_done = yield from _run_steps(context, due_by, resubmits=resubmits)


def _run_steps(
    context: ReconcileContext, due_by: datetime, *, resubmits: bool, scans_list: bool = False
) -> Generator[Report, None, bool]:
    """Run the steps of one pass; return False if more can be done now."""
    try:
        # First, because Twilio remembers idempotency keys for one day only.
        yield from _resume(context)
        if scans_list or _is_scan_due(context):
            yield from _scan_list(context)
        is_done = yield from poll_due_jobs(context, due_by=due_by)
        if resubmits:
            yield from resubmit_missing(context)
    except TwilioBusyError as busy:
        yield Report(fault=str(busy), wait=throttle_seconds(busy))
    except (TwilioUnavailableError, TwilioRefusedError) as error:
        yield Report(fault=str(error))
    except DatabaseUnavailableError as error:
        yield _database_fault(error)
    except StoppedError:
        pass  # the next pass continues the scan
    else:
        return is_done

    return True


def _database_fault(error: DatabaseUnavailableError) -> Report:
    return Report(fault=f"The database did not answer: {error}.")


def _is_scan_due(context: ReconcileContext) -> bool:
    now = context.clock()
    due_at = context.query(list_scans.next_scan_at, now)

    return due_at is None or due_at <= now


def _resume(context: ReconcileContext) -> Reports:
    """Resume submissions. If Twilio doesn't answer them, the rest of the pass may still work."""
    try:
        yield from resume_unanswered(context)
    except TwilioUnavailableError as error:
        yield Report(fault=f"Submissions without an answer were not resumed: {error}")


def _scan_list(context: ReconcileContext) -> Reports:
    """Scan the list. If that fails, the jobs that are due can still be polled."""
    try:
        yield from scan_list(context)
    except (TwilioUnavailableError, TwilioRefusedError, ScanTakenOverError) as error:
        if isinstance(error, TwilioRefusedError) and error.is_credentials_error:
            raise
        yield Report(fault=f"The list of jobs was not read: {error}")
