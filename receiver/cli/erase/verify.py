"""The command `erase verify`: searches every place for a value."""

import click
from flask.cli import with_appcontext

from receiver.cli.erase.progress import PlaceProgress
from receiver.cli.errors import report_database_errors
from receiver.cli.options import echo_limit, limit_option
from receiver.cli.output import CommandError, echo, echo_above_progress
from receiver.privacy.target import ending_digits, normalize_address
from receiver.privacy.verify import SPOOL, verify
from receiver.runtime.plural import pluralize
from receiver.services import services
from receiver.spool.folder import explain
from schemas.storable import is_storable

# A shorter value is in nearly every row.
_MIN_CHARACTERS = 3


@click.command("verify")
@click.argument("value")
@limit_option("Print at most this many places.")
@with_appcontext
@report_database_errors
def verify_command(*, value: str, limit: int) -> None:
    """Search every place that holds personal data for VALUE.

    VALUE is an address, an id or a phrase. It is searched exactly as it is spelled, also as JSON or
    a form may write it, in the database and in all files of this machine's spool. A phone number
    without its country code is also found in all numbers that end in its digits.

    Prints the column and the key of each row that contains it, never the text around it: the key is
    a job's id or, for an event, the number for `callbacks show`. Exits with 1 if it is found.
    """
    value = normalize_address(value)
    if len(value) < _MIN_CHARACTERS or not is_storable(value):
        raise CommandError(f"search for a text of at least {_MIN_CHARACTERS} characters.")
    if ending_digits(value):
        echo("Without its country code: all numbers that end in these digits are found.", err=True)
    spool, count = services().spool, 0
    try:
        files = len(spool.list_all()) if spool else 0
        with PlaceProgress(services().engine, **{SPOOL: files}) as progress:
            for finding in verify(services().engine, value, spool=spool, report=progress.report):
                count += 1
                if count <= limit:
                    echo_above_progress(f"{finding.place:<32}  {finding.key}")
    except OSError as error:
        raise CommandError(
            f"found in {pluralize(count, 'place')}, but not all of the spool can be read: "
            f"{explain(error)}"
        ) from error
    if count > limit:
        echo_limit("first", limit)
    if count:
        echo(f"found in {pluralize(count, 'place')}.", err=True)
        raise SystemExit(1)
    echo("found nowhere.")
