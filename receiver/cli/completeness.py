"""The command that tells which transcripts are missing, for people and for monitors."""

from datetime import UTC, datetime, timedelta

import click
from flask.cli import with_appcontext

from receiver.cli.context import explained
from receiver.services import services
from receiver.store.completeness.figures import MAX_SCAN_AGE, Completeness, completeness
from receiver.store.completeness.missing import missing_jobs
from receiver.store.jobs.read import Row
from receiver.store.polls.unknown import unknown_jobs
from receiver.web.transcript_state import reasons


@click.command("completeness")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@with_appcontext
@explained
def command(*, limit: int) -> None:
    """Tell how many transcripts Twilio promised, how many are here, and which are missing.

    Unfinished jobs of which Twilio knows nothing are named too: whether they will have a
    transcript nobody can tell.

    Exits with 1 if any is missing, else with 2 if that can't be known, since no `reconcile` has
    gone through Twilio's list within a day.
    """
    now = datetime.now(UTC)
    over_by = now - timedelta(seconds=services().settings.reconcile_grace_seconds)
    with services().engine.connect() as connection:
        found = completeness(connection, over_by)
        missing = missing_jobs(connection, over_by, limit=limit) if found.missing else []
        unknown = unknown_jobs(connection, limit=limit) if found.unknown_at_twilio else []
    _tell(found, now)
    for job in missing:
        _tell_missing(job)
    for job in unknown:
        click.echo(f"\n{job['id']}  {job['status']}\n  Twilio doesn't know of it.")
    if found.missing > len(missing) or found.unknown_at_twilio > len(unknown):
        click.echo(f"(the oldest {limit}; --limit shows more)", err=True)
    if found.missing:
        raise SystemExit(1)
    if found.since is None or found.since < now - MAX_SCAN_AGE:
        raise SystemExit(2)


def _tell(found: Completeness, now: datetime) -> None:
    click.echo(f"completed at Twilio  {found.completed}")
    click.echo(f"with transcript      {found.with_transcript}")
    click.echo(f"awaiting a callback  {found.awaiting}")
    click.echo(f"replaced             {found.replaced}")
    oldest = found.oldest_missing_at
    age = f"  (the oldest for {_age(now - oldest)})" if oldest else ""
    click.echo(f"missing              {found.missing}{age}")
    click.echo(f"unknown at Twilio    {found.unknown_at_twilio}")
    since = f"{found.since:%Y-%m-%dT%H:%M:%SZ}" if found.since else "never: run `reconcile`"
    click.echo(f"known as of          {since}")


def _age(age: timedelta) -> str:
    hours, rest = divmod(int(age.total_seconds()), 3600)
    if hours >= 48:  # noqa: PLR2004 - a day more or less says little then
        return f"{hours // 24} days"

    return f"{hours}:{rest // 60:02} h"


def _tell_missing(job: Row) -> None:
    click.echo(f"\n{job['id']}  ended {job['ended_at']:%Y-%m-%dT%H:%M:%SZ}")
    if job.get("resubmitted_as"):
        click.echo(f"  submitted again as {job['resubmitted_as']}")
    for reason in reasons(job, public_url=services().settings.public_url):
        click.echo(f"  {reason}")
