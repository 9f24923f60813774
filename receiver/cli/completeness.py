"""The command `completeness`: prints which transcripts are missing, for operators and monitors."""

from datetime import datetime, timedelta

import click
from flask.cli import with_appcontext

from receiver.cli.errors import report_database_errors
from receiver.cli.options import echo_limit, limit_option
from receiver.cli.output import echo
from receiver.runtime.utc import format_utc
from receiver.services import services
from receiver.store.clock import database_now
from receiver.store.completeness.figures import MAX_SCAN_AGE, Completeness, completeness
from receiver.store.completeness.missing import missing_jobs
from receiver.store.jobs.read import Row
from receiver.store.polls.unknown import unknown_jobs
from receiver.web.transcript_state import missing_reasons

MAX_AGE_IN_HOURS = 48  # an older age is printed in days


# `\b` keeps click from rewrapping the lines that follow.
_EXIT_CODES_HELP = """\b
Exit codes:
  0  no transcript is missing
  1  at least one transcript is missing
  2  not known: `reconcile` has not read all of Twilio's list of jobs
     within the last 24 hours
"""


@click.command("completeness", epilog=_EXIT_CODES_HELP)
@limit_option("Print at most this many missing transcripts, and as many unknown jobs.")
@with_appcontext
@report_database_errors
def command(*, limit: int) -> None:
    """Print which transcripts are missing.

    Prints how many jobs are completed at Twilio and how many of their transcripts are stored, then
    each missing transcript with the likely reasons. Also lists unfinished jobs that Twilio does not
    know: they may never get a transcript.

    A failed job promises no transcript, so it does not change the exit code. The number in front of
    each count in brackets is Twilio's error code, where Twilio has sent one.
    """
    grace = timedelta(seconds=services().settings.reconcile_grace_seconds)
    with services().engine.connect() as connection:
        now = database_now(connection)
        figures = completeness(connection, at=now, grace=grace)
        missing = missing_jobs(connection, now - grace, limit=limit) if figures.missing else []
        unknown = unknown_jobs(connection, limit=limit) if figures.unknown_at_twilio else []
    _print_figures(figures, now)
    for job in missing:
        _print_missing(job)
    for job in unknown:
        echo("", f"{job['id']}  {job['status']}", "  Twilio does not know this job.")
    if figures.missing > len(missing) or figures.unknown_at_twilio > len(unknown):
        echo_limit("oldest", limit)
    if figures.missing:
        raise SystemExit(1)
    if figures.since is None or figures.since < now - MAX_SCAN_AGE:
        raise SystemExit(2)


def _print_figures(figures: Completeness, now: datetime) -> None:
    echo(f"completed at Twilio  {figures.completed}")
    echo(f"with transcript      {figures.with_transcript}")
    echo(f"awaiting a callback  {figures.awaiting}")
    echo(f"replaced             {figures.replaced}")
    echo(f"erased               {figures.erased}")
    oldest = figures.oldest_missing_at
    age = f"  (the oldest for {_format_age(now - oldest)})" if oldest else ""
    echo(f"missing              {figures.missing}{age}")
    echo(f"failed at Twilio     {figures.failed}{_failed_details(figures)}")
    echo(f"unknown at Twilio    {figures.unknown_at_twilio}")
    since = format_utc(figures.since) if figures.since else "never: run `reconcile`"
    echo(f"known as of          {since}")


def _failed_details(figures: Completeness) -> str:
    """Return the failures by code, and how many of them were submitted again."""
    details = [f"{code}: {count}" for code, count in sorted(figures.failed_by_code.items())]
    if figures.failed_resubmitted:
        details.append(f"submitted again: {figures.failed_resubmitted}")

    return f"  ({', '.join(details)})" if details else ""


def _format_age(age: timedelta) -> str:
    hours, seconds = divmod(int(age.total_seconds()), 3600)
    if hours >= MAX_AGE_IN_HOURS:
        return f"{hours // 24} days"

    return f"{hours}:{seconds // 60:02} h"


def _print_missing(job: Row) -> None:
    echo("", f"{job['id']}  ended {format_utc(job['ended_at'])}")
    if job.get("resubmitted_as"):
        echo(f"  submitted again as {job['resubmitted_as']}")
    settings = services().settings
    for reason in missing_reasons(
        job, public_url=settings.public_url, prefixes=settings.public_url_prefixes
    ):
        echo(f"  {reason}")
