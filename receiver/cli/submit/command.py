"""The command `submit`: submits one job from options, or many jobs from a CSV file."""

import re
from pathlib import Path

import click
from flask.cli import with_appcontext
from marshmallow import ValidationError

from receiver.cli.errors import report_database_errors
from receiver.cli.output import CommandError, echo
from receiver.cli.submit.check import check_file, check_one
from receiver.cli.submit.csv_file import submit_file
from receiver.cli.submit.one_job import submit_one
from receiver.services import services
from receiver.submissions.csv_rows import Row, Sheet, load_request, read_rows
from receiver.submissions.idempotency_keys import KEY_RULE, is_idempotency_key, uuid7
from receiver.twilio.client import NotConfiguredError, Twilio, open_twilio
from schemas.submission import format_faults, to_faults

# Stored with each submission; the API stores the name of the API key there.
_SUBMITTED_BY = "flask submit"
_OPTION_OF = {
    "transcriptionConfigurationId": "configuration",
    "sourceId": "source_id",
    "mediaUrl": "media_url",
    "participants": "participants",
    "audioStartedAt": "audio_started_at",
}


@click.command("submit")
@click.option("--configuration", help="The id of the Transcription Configuration.")
@click.option("--source-id", help="The SID of the Recording to transcribe.")
@click.option(
    "--media-url", help="The URL of the audio file to transcribe, instead of --source-id."
)
@click.option("--participants", help="JSON, the same as Twilio's property `participants`.")
@click.option("--audio-started-at", help="When the call started, such as 2026-04-02T19:25:20Z.")
@click.option(
    "--idempotency-key",
    help="The same key again returns the same job, and creates no second one.",
)
@click.option(
    "--from-csv",
    "path",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Submit one job per line of this file, as a spreadsheet saves it; `-` is the standard "
    "input. The columns have the names of Twilio's properties; participants is JSON.",
)
@click.option(
    "--check",
    "checks",
    is_flag=True,
    help="Submit nothing: only check the file at the mediaUrl, and print what would fail, with "
    "Twilio's error code.",
)
@click.option(
    "--resubmit-failed",
    "resubmits",
    is_flag=True,
    help="With --from-csv: submit also the lines whose job FAILED at Twilio, each of them once "
    "more. This costs money.",
)
@with_appcontext
@report_database_errors
def command(
    *,
    path: Path | None,
    idempotency_key: str | None,
    checks: bool,
    resubmits: bool,
    **options: str | None,
) -> None:
    """Submit one job, or all jobs of a CSV file.

    Prints the job's id. With --from-csv, submits the lines that are not submitted yet, then prints
    CSV with the columns line and id and those of the file, for every line that has a job. The whole
    file is validated before anything is submitted. It is safe to run the command again after an
    interruption: no job of a file is submitted twice.

    If jobs of earlier runs FAILED at Twilio, it prints their lines. --resubmit-failed submits these
    again, each of them once: if the new job fails too, correct the recording or its URL.

    --check does not need Twilio's credentials. It exits with 1 if anything would fail.
    """
    if path and (idempotency_key or any(options.values())):
        raise click.UsageError(
            "--from-csv can't be combined with other options except --check and --resubmit-failed."
        )
    if resubmits and (checks or not path):
        raise click.UsageError("--resubmit-failed needs --from-csv, and can't check.")
    if idempotency_key is not None and not is_idempotency_key(idempotency_key):
        raise click.UsageError(f"--idempotency-key {KEY_RULE}")
    if not path and not any(options.values()):
        raise click.UsageError(
            "Name the job: --configuration and --source-id or --media-url. Or name a file: "
            "--from-csv."
        )
    request = _read_sheet(path) if path else _parse_row(idempotency_key or uuid7(), options)
    if checks:
        _check(request)
        return
    try:
        with open_twilio(services().settings) as twilio:
            _submit(twilio, request, resubmits=resubmits)
    except NotConfiguredError as error:
        raise CommandError(str(error)) from error


def _read_sheet(path: Path) -> Sheet:
    with click.open_file(str(path), "rb") as file:  # or the standard input
        sheet = read_rows(file.read())
    if sheet.unused_columns:
        names = ", ".join(map(repr, sheet.unused_columns))
        echo(f"Columns that are not sent to Twilio: {names}.", err=True)

    return sheet


def _parse_row(key: str, options: dict[str, str | None]) -> Row:
    properties = {name: options[option] for name, option in _OPTION_OF.items()}
    try:
        return Row(0, load_request(properties), key)
    except ValidationError as error:
        raise CommandError(_describe(error)) from error


def _describe(error: ValidationError) -> str:
    """Return all faults, with the names of the options instead of the properties."""
    text = format_faults(to_faults(error))
    for name, option in _OPTION_OF.items():
        text = re.sub(rf"/?\b{name}\b", f"--{option.replace('_', '-')}", text)

    return text.replace(": Missing data for required field.", " is required.")


def _check(request: Row | Sheet) -> None:
    if isinstance(request, Row):
        check_one(request)
    else:
        check_file(request)


def _submit(twilio: Twilio, request: Row | Sheet, *, resubmits: bool) -> None:
    if isinstance(request, Row):
        submit_one(twilio, request, _SUBMITTED_BY)
    else:
        submit_file(twilio, request, _SUBMITTED_BY, resubmits=resubmits)
