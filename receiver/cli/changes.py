"""The commands `changes …`: the feed of changes."""

import click
from flask.cli import with_appcontext

from receiver.cli.errors import report_database_errors
from receiver.cli.output import echo
from receiver.runtime.plural import pluralize
from receiver.services import services
from receiver.store.changes.repair import repair


@click.group("changes")
def group() -> None:
    """Repair the feed of changes."""


@group.command("repair")
@with_appcontext
@report_database_errors
def repair_command() -> None:
    """Give jobs that were restored from another cluster an order again, while callbacks arrive.

    Their rows have transaction numbers that this cluster has not assigned yet. /v3/Changes is
    answered 503 until they have new ones. After an interruption, run the command again: it
    continues.
    """
    total = 0
    for count in repair(services().engine):
        total += count
    echo(f"{pluralize(total, 'job')} repaired.", err=True)
