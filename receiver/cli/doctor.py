"""The command `doctor`: finds what is wrong with this deployment."""

import click
from flask.cli import with_appcontext

from receiver.cli.output import echo
from receiver.doctor.doctor import run
from receiver.services import services


@click.command("doctor")
@click.option(
    "--send-test",
    is_flag=True,
    help="Also send a signed test callback to PUBLIC_URL, check that it is stored and can be read "
    "back, and remove it.",
)
@with_appcontext
def command(*, send_test: bool) -> None:
    """Check this deployment, and print how to fix each problem.

    Checks the settings, the spool, the database, missing transcripts and, with Twilio's
    credentials, the Transcription Configurations at Twilio. Exits with 1 if a check fails; a
    warning does not change the exit code.
    """
    is_healthy = run(services().settings, services().engine, send_test=send_test, print_line=echo)
    if not is_healthy:
        raise SystemExit(1)
