"""The commands `migrate` and `rebuild`: the database's schema, and the jobs' rows."""

import os
import time
from concurrent.futures.process import BrokenProcessPool

import click
from flask.cli import with_appcontext

from receiver.cli.errors import report_database_errors
from receiver.cli.output import CommandError, echo
from receiver.runtime.plural import pluralize
from receiver.services import services
from receiver.store.estimate import estimate_rows
from receiver.store.jobs.rebuild_all import rebuild_all
from receiver.store.migrate import MigrationBusyError, migrate
from receiver.store.requirements import UnsuitableDatabaseError

# Half of the processors are left for callbacks.
DEFAULT_WORKERS = min(4, max(1, (os.cpu_count() or 1) // 2))
_REPORT_INTERVAL_SECONDS = 5.0


@click.command("migrate")
@with_appcontext
@report_database_errors
def migrate_command() -> None:
    """Migrate the database's schema to this code's version, while callbacks arrive.

    Building an index on a large table takes minutes. After an interruption, run the command again:
    it continues.
    """
    try:
        migrate(services().engine, report=echo)
    except (MigrationBusyError, UnsuitableDatabaseError) as error:
        raise CommandError(str(error)) from error


@click.command("rebuild")
@click.option(
    "--after", metavar="ID", default="", help="Continue an interrupted rebuild after this job."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 16),
    default=DEFAULT_WORKERS,
    show_default=True,
    help="How many processes rebuild at the same time, each with one connection.",
)
@with_appcontext
@report_database_errors
def rebuild_command(*, after: str, workers: int) -> None:
    """Rebuild every job's row from the ledger, while callbacks arrive.

    Prints the ids of the jobs with a changed row. After an interruption, it prints how to continue.
    """
    engine = services().engine
    with engine.connect() as connection:
        total = estimate_rows(connection, "transcriptions")
    checked = changed = 0
    position = after
    next_report_at = time.monotonic() + _REPORT_INTERVAL_SECONDS
    try:
        for batch in rebuild_all(engine, after=after, workers=workers):
            if batch.changed:
                echo(*batch.changed)
            position = batch.position
            checked += batch.job_count
            changed += len(batch.changed)
            if time.monotonic() > next_report_at:
                next_report_at += _REPORT_INTERVAL_SECONDS
                echo(
                    f"{checked} of about {total} jobs checked, {changed} changed, up to {position}",
                    err=True,
                )
    except BaseException as error:
        if position:
            echo(
                f"Interrupted. Continue with `flask --app app rebuild --after {position}`.",
                err=True,
            )
        if isinstance(error, BrokenProcessPool):
            raise CommandError(
                "a worker process was killed, perhaps because memory was short. Run the command "
                "again, with fewer --workers."
            ) from error
        raise
    echo(f"{pluralize(checked, 'job')} checked, {changed} changed.", err=True)
