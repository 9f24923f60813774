"""The commands `migrate` and `rebuild`: the database's schema, and the jobs' rows."""

import click
from flask.cli import with_appcontext

from receiver.cli.errors import report_database_errors
from receiver.cli.output import CommandError, echo, echo_above_progress, progress_bar
from receiver.services import services
from receiver.store.jobs.rebuild import count_jobs, job_ids, rebuild
from receiver.store.migrate import MigrationBusyError, migrate


@click.command("migrate")
@with_appcontext
@report_database_errors
def migrate_command() -> None:
    """Migrate the database's schema to this code's version."""
    try:
        migrate(services().engine, report=echo)
    except MigrationBusyError as error:
        raise CommandError(str(error)) from error


@click.command("rebuild")
@with_appcontext
@report_database_errors
def rebuild_command() -> None:
    """Rebuild every job's row from the ledger.

    Prints the ids of the jobs with a changed row.
    """
    engine = services().engine
    with engine.connect() as connection:
        job_count = count_jobs(connection)
    changed_count = 0
    with progress_bar(job_ids(engine), length=job_count, label="Rebuilding") as ids:
        for job_id in ids:
            if rebuild(engine, job_id):
                echo_above_progress(job_id)
                changed_count += 1
    echo(f"{job_count} jobs checked, {changed_count} changed.", err=True)
