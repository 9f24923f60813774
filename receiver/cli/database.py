"""Commands for the database as a whole: its schema, and the jobs that the ledger adds up to."""

import sys

import click
from flask.cli import with_appcontext

from receiver.cli.context import explained
from receiver.services import services
from receiver.store.jobs.rebuild import count_jobs, job_ids, rebuild


@click.command("migrate")
@with_appcontext
@explained
def migrate_command() -> None:
    """Bring the database's schema to this code's version."""
    from receiver.store.migrate import (  # noqa: PLC0415 - keeps Alembic out of the web process
        MigrationBusyError,
        migrate,
    )

    try:
        migrate(services().engine, report=click.echo)
    except MigrationBusyError as error:
        raise click.ClickException(str(error)) from error


@click.command("rebuild")
@with_appcontext
@explained
def rebuild_command() -> None:
    """Fold every job anew from the ledger, and list the jobs whose row had to change."""
    database = services().engine
    with database.connect() as connection:
        count = count_jobs(connection)
    with click.progressbar(
        job_ids(database), length=count, label="Rebuilding", file=sys.stderr
    ) as ids:
        changed = 0
        for job_id in ids:
            if rebuild(database, job_id):
                click.echo(job_id)
                changed += 1
    click.echo(f"{count} jobs, of which {changed} had to change.", err=True)
