"""The command `metrics`: prints what `/metrics` answers."""

import click
from flask.cli import with_appcontext

from receiver.cli.errors import report_database_errors
from receiver.cli.output import echo
from receiver.metrics.page import render
from receiver.services import services


@click.command("metrics")
@with_appcontext
@report_database_errors
def command() -> None:
    """Print the metrics that are in the database, in the text format of Prometheus."""
    snapshot = services().metrics.read()
    echo(*render(snapshot, None, is_up=True, is_writable=None).decode().splitlines())
