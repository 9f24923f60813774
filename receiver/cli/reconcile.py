"""The command `reconcile`: asks Twilio about jobs with an unknown state or a missing transcript."""

import json
import logging.config
from dataclasses import replace
from datetime import timedelta

import click
from flask.cli import with_appcontext

from receiver.cli.errors import report_database_errors
from receiver.cli.output import CommandError, echo
from receiver.cli.stop_signal import StopSignal
from receiver.privacy.retention import retention_of
from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.forever import reconcile_forever
from receiver.reconcile.run import reconcile
from receiver.runtime import lossy_output
from receiver.runtime.logs import log_config
from receiver.services import services
from receiver.store.clock import DatabaseClock
from receiver.twilio.client import NotConfiguredError, Twilio, open_twilio

# `\b` keeps click from rewrapping the lines that follow.
_REPORT_HELP = """\b
The members of the printed JSON:
  checked       how often Twilio returned a job, in its list or by id;
                a job may count twice
  changed       how often that changed a job that was already stored
  found         jobs that were not stored here yet
  fetched_back  missing transcripts that were read from a conversation
  resubmitted   recordings submitted again (--resubmit-missing)
  resumed       submissions that had no response, and have one now
  unknown       jobs that Twilio says it does not know
  unusable      responses that were quarantined
  errors        requests to Twilio that failed
  listed        true if all of Twilio's list of jobs was read
  fault         why reconciling stopped early, or skipped the list
  wait          seconds to wait before the next run, if Twilio says so
"""


@click.command("reconcile", epilog=_REPORT_HELP)
@click.option(
    "--forever", is_flag=True, help="Keep running until SIGTERM, and reconcile when a job is due."
)
@click.option(
    "--resubmit-missing",
    "resubmits",
    is_flag=True,
    help="Also submit the recordings of missing transcripts again, each once. This costs money.",
)
@with_appcontext
@report_database_errors
def command(*, forever: bool, resubmits: bool) -> None:
    """Fetch from Twilio what is missing here.

    Asks Twilio about unfinished jobs, jobs that are not stored here, and missing transcripts. Does
    everything that is due, then prints the result as JSON. Exits with 1 if anything that was due
    could not be requested; run the command again to continue.

    Messages about single jobs are logged as JSON lines on standard error.
    """
    if forever:  # a log that nobody reads must not keep the process from ending
        lossy_output.install()
    logging.config.dictConfig(log_config(services().settings.log_level))
    try:
        with open_twilio(services().settings) as twilio:
            if forever:
                _run_forever(twilio, resubmits=resubmits)
            else:
                _run_once(twilio, resubmits=resubmits)
    except NotConfiguredError as error:
        raise CommandError(str(error)) from error


def _run_once(twilio: Twilio, *, resubmits: bool) -> None:
    report = reconcile(_context(twilio), resubmits=resubmits)
    echo(json.dumps(report.to_dict()))
    if report.has_failed:
        raise SystemExit(1)


def _run_forever(twilio: Twilio, *, resubmits: bool) -> None:
    """Reconcile until SIGTERM or SIGINT; the process ends between two jobs."""
    stop = StopSignal()
    stop.install()
    context = replace(_context(twilio), is_stopping=stop.is_received)
    settings = services().settings
    reconcile_forever(
        context,
        resubmits=resubmits,
        sleep=stop.sleep,
        retention=retention_of(settings),
        indexes=settings.search,
    )


def _context(twilio: Twilio) -> ReconcileContext:
    settings = services().settings

    return ReconcileContext(
        engine=services().engine,
        twilio=twilio,
        account_id=settings.account_sid,
        clock=DatabaseClock(services().engine),
        grace=timedelta(seconds=settings.reconcile_grace_seconds),
    )
