"""The command that looks for what is wrong with this deployment."""

import click
from flask.cli import with_appcontext

from receiver.doctor import doctor
from receiver.services import services


@click.command("doctor")
@click.option(
    "--send-test",
    is_flag=True,
    help="Send a signed callback to PUBLIC_URL, see it stored, read it back, remove it.",
)
@with_appcontext
def command(*, send_test: bool) -> None:
    """Check settings, database, schema and connections; exit with 1 if anything fails."""
    if not doctor.run(services().settings, services().engine, send_test=send_test, tell=click.echo):
        raise SystemExit(1)
