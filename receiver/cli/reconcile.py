"""The command that asks Twilio what became of our jobs."""

import json
import logging.config
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import click
from flask.cli import with_appcontext

from receiver.cli.context import explained
from receiver.reconcile.context import ReconcileContext
from receiver.reconcile.forever import reconcile_forever
from receiver.reconcile.run import reconcile
from receiver.runtime.logs import configuration
from receiver.services import services
from receiver.twilio.client import NotConfiguredError, Twilio, open_twilio

# `\b` keeps click from filling the lines that follow.
_MEMBERS = """\b
What it prints:
  checked       how often Twilio told of a job, in its list or asked
                about it; a job may count twice
  changed       how often that was news of a job that we knew
  found         jobs that nobody submitted here, new to us
  fetched_back  missing transcripts that a conversation had kept
  resubmitted   recordings submitted again (--resubmit-missing)
  resumed       submissions that had no answer, and have one now
  unknown       jobs of which Twilio says that it knows nothing
  unusable      what Twilio told and was quarantined
  errors        what could not be asked
  listed        whether all of Twilio's list of jobs was read
  fault         why the pass ended early, or went without the list
  wait          when to go on, in seconds, if Twilio says so
"""


@click.command("reconcile", epilog=_MEMBERS)
@click.option("--forever", is_flag=True, help="Go on until SIGTERM, whenever something is due.")
@click.option(
    "--resubmit-missing",
    "resubmits",
    is_flag=True,
    help="Submit the recordings of missing transcripts again, each once. It costs money.",
)
@with_appcontext
@explained
def command(*, forever: bool, resubmits: bool) -> None:
    """Ask Twilio about unfinished jobs, jobs that we don't know, and missing transcripts.

    Goes on until all that was due is done, prints what it came to, as JSON, and exits with 1 if it
    could not ask all of it.
    What befell single jobs is logged, as JSON lines on stderr.
    """
    logging.config.dictConfig(configuration(services().settings.log_level))
    try:
        with open_twilio(services().settings) as twilio:
            if forever:
                _go_on(twilio, resubmits=resubmits)
            else:
                _go_once(twilio, resubmits=resubmits)
    except NotConfiguredError as error:
        raise click.ClickException(str(error)) from error


def _go_once(twilio: Twilio, *, resubmits: bool) -> None:
    report = reconcile(_desk(twilio), resubmits=resubmits)
    click.echo(json.dumps(report.to_dict()))
    if report.has_failed:
        raise SystemExit(1)


def _go_on(twilio: Twilio, *, resubmits: bool) -> None:
    """Go on until the process is told to end, which it does between two jobs."""
    ending: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        # No more than this: what the handler interrupts may hold any lock.
        signal.signal(number, lambda number, _: ending.append(number))
    context = replace(_desk(twilio), is_stopping=lambda: bool(ending))
    reconcile_forever(
        context, resubmits=resubmits, sleep=lambda seconds: _sleep(seconds, context.is_stopping)
    )


def _sleep(seconds: float, is_stopping: Callable[[], bool]) -> None:
    """Sleep, but for a second at most once the process is told to end."""
    until = time.monotonic() + seconds
    while not is_stopping() and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 1.0))


def _desk(twilio: Twilio) -> ReconcileContext:
    known = services().settings

    return ReconcileContext(
        engine=services().engine,
        twilio=twilio,
        account_id=known.account_sid,
        grace=timedelta(seconds=known.reconcile_grace_seconds),
    )
