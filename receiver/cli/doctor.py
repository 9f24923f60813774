"""The command `doctor`: finds what is wrong with this deployment."""

import json

import click
from flask.cli import with_appcontext

from receiver.cli.output import echo
from receiver.doctor.doctor import report, run
from receiver.services import services


@click.command("doctor")
@click.option(
    "--send-test",
    is_flag=True,
    help="Also send a signed test callback to PUBLIC_URL, check that it is stored and can be read "
    "back, and remove it.",
)
@click.option(
    "--json",
    "prints_json",
    is_flag=True,
    help="Print one JSON object, for a monitor: `healthy`, and `findings` with `verdict` (ok, warn "
    "or fail), `subject`, `text` and `remedy`.",
)
@with_appcontext
def command(*, send_test: bool, prints_json: bool) -> None:
    """Check this deployment, and print how to fix each problem.

    Checks the settings, the spool, the database, missing transcripts and, with Twilio's
    credentials, the Transcription Configurations at Twilio. Exits with 1 if a check fails; a
    warning does not change the exit code.
    """
    settings, engine = services().settings, services().engine
    if prints_json:
        document = report(settings, engine, send_test=send_test)
        is_healthy = document["healthy"]
        echo(json.dumps(document))
    else:
        is_healthy = run(settings, engine, send_test=send_test, print_line=echo)
    if not is_healthy:
        raise SystemExit(1)
