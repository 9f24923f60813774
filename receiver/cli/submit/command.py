"""The command that submits jobs: one by its options, or thousands from a file."""

import sys
from functools import partial
from pathlib import Path

import click
from flask.cli import with_appcontext
from marshmallow import ValidationError

from receiver.cli.context import explained
from receiver.cli.submit.check import check_file, check_one
from receiver.cli.submit.csv_file import INTERRUPTED, ended_by_ctrl_c, submit_file
from receiver.services import services
from receiver.submissions.batch import Batch
from receiver.submissions.csv_rows import Row, Sheet, loaded, read_rows, told
from receiver.submissions.submit import (
    KEY_RULE,
    is_idempotency_key,
    lacks_participants,
    stores_into_conversation,
    uuid7,
)
from receiver.twilio.client import NotConfiguredError, Twilio, twilio_of
from schemas.submission import format_faults

# What the submissions say of who submitted them.
_WHO = "flask submit"


@click.command("submit")
@click.option("--configuration", help="The Transcription Configuration's id.")
@click.option("--source-id", help="The Recording SID.")
@click.option("--media-url", help="Where the audio file is, instead.")
@click.option("--participants", help="JSON, as Twilio's property.")
@click.option("--audio-started-at", help="When the call began, as 2026-04-02T19:25:20Z.")
@click.option("--idempotency-key", help="To repeat a submission without making a second job.")
@click.option(
    "--from-csv",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="One job a line; the columns are named as Twilio's properties, participants is JSON.",
)
@click.option(
    "--check",
    "checks",
    is_flag=True,
    help="Only look at the mediaUrl, and tell what would fail, with Twilio's error code.",
)
@with_appcontext
@explained
def command(
    *, path: Path | None, idempotency_key: str | None, checks: bool, **options: str | None
) -> None:
    """Submit one job, or with --from-csv all that the file names and that is not submitted yet.

    Prints the job's id; of a file, CSV with the columns line and id, and every line that has a
    job. A file is checked as a whole before anything is submitted; run it again after an
    interruption, and no job is submitted twice.

    With --check nothing is submitted, and Twilio isn't asked; exits with 1 if anything would fail.
    """
    if path and (idempotency_key or any(options.values())):
        raise click.UsageError("--from-csv goes with no other option but --check.")
    if idempotency_key is not None and not is_idempotency_key(idempotency_key):
        raise click.UsageError(f"--idempotency-key {KEY_RULE}")
    wanted = _sheet(path) if path else _row(idempotency_key or uuid7(), options)
    if checks:
        _check(wanted)
        return
    try:
        with twilio_of(services().settings) as twilio:
            _submit(twilio, wanted)
    except NotConfiguredError as error:
        raise click.ClickException(str(error)) from error


def _sheet(path: Path) -> Sheet:
    with path.open(newline="", encoding="utf-8-sig") as lines:
        return read_rows(lines)


def _row(key: str, options: dict[str, str | None]) -> Row:
    properties = {
        "transcriptionConfigurationId": options["configuration"],
        "sourceId": options["source_id"],
        "mediaUrl": options["media_url"],
        "participants": options["participants"],
        "audioStartedAt": options["audio_started_at"],
    }
    try:
        return Row(0, loaded(properties), key)
    except ValidationError as error:
        raise click.ClickException(told(error)) from error


def _check(wanted: Row | Sheet) -> None:
    if isinstance(wanted, Row):
        check_one(wanted)
    else:
        check_file(wanted)


def _submit(twilio: Twilio, wanted: Row | Sheet) -> None:
    if isinstance(wanted, Row):
        _submit_one(twilio, wanted)
    else:
        submit_file(twilio, wanted, _WHO)


def _submit_one(twilio: Twilio, row: Row) -> None:
    if fault := lacks_participants(row.request, partial(stores_into_conversation, twilio)):
        raise click.ClickException(format_faults([fault]))
    batch = Batch(services().engine, twilio, _WHO)
    with ended_by_ctrl_c(batch):
        [result] = batch.run([row])
    if result.is_open:
        raise click.ClickException(
            f"{result.fault} With --idempotency-key {row.key} a repeat makes no second job."
        )
    if result.fault:
        raise click.ClickException(result.fault)
    if result.job_id is None:
        click.echo("Nothing was submitted.", err=True)
        sys.exit(INTERRUPTED)
    click.echo(result.job_id)
