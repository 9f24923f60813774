"""The commands `hold …`: legal holds, which keep what they match from being removed."""

import re

import click
from flask.cli import AppGroup

from receiver.cli.addresses import parse_address, require_stored
from receiver.cli.errors import report_database_errors
from receiver.cli.operator import operator_name
from receiver.cli.output import CommandError, echo
from receiver.privacy.target import ending_digits
from receiver.runtime.utc import format_utc
from receiver.services import services
from receiver.store.clock import database_now
from receiver.store.engine import transactional
from receiver.store.erasure.holds import (
    Hold,
    Kind,
    add_hold,
    count_held,
    list_holds,
    remove_hold,
)
from schemas.storable import ID_PATTERN

_NOUNS: dict[Kind, str] = {"job": "id", "address": "address"}

group = AppGroup("hold", help="Keep jobs from being erased or removed at the end of their time.")


@group.command("add")
@click.argument("name")
@click.option("--job", help="Hold the job with this id.")
@click.option(
    "--address",
    help="Hold all jobs with a participant who has exactly this address, also new ones.",
)
@click.option("--reason", required=True, help="Why, for example the number of the case.")
@report_database_errors
def add_command(*, name: str, job: str | None, address: str | None, reason: str) -> None:
    """Add a hold with this NAME. A job or an address may have several.

    When the command ends, nothing that the hold matches is removed any more. What was removed
    before stays removed.
    """
    kind, value = _target(job, address)
    with transactional(services().engine).begin() as connection:
        if kind == "address" and ending_digits(value):  # it would protect nothing
            require_stored(connection, value)
        hold = Hold(name, kind, value, reason, operator_name(), database_now(connection))
        is_new = add_hold(connection, hold)
        count = count_held(connection, kind, value)
    if not is_new:
        raise CommandError(f"there is a hold named {name} already: see `hold list`.")
    echo(f"{name} holds the {kind} {value}: {count} of the stored jobs.", err=True)
    if not count:
        echo(f"Check it: no stored job has this {_NOUNS[kind]} yet.", err=True)


@group.command("remove")
@click.argument("name")
@report_database_errors
def remove_command(name: str) -> None:
    """Remove the hold with this NAME.

    If what it matched has been kept for longer than the settings say, the next pass removes it. An
    erasure that it refused is not repeated by itself.
    """
    with transactional(services().engine).begin() as connection:
        is_removed = remove_hold(connection, name)
    if not is_removed:
        raise CommandError(f"there is no hold named {name}.")
    echo(f"{name} is removed. If it refused an erasure, run `erase` again now.", err=True)


@group.command("list")
@report_database_errors
def list_command() -> None:
    """List the holds, one per line: name, time, what is held, who added it and why."""
    with services().engine.connect() as connection:
        holds = list_holds(connection)
    for hold in holds:
        echo(
            f"{hold.name}  {format_utc(hold.created_at)}  {hold.kind} {hold.value}  "
            f"by {hold.created_by}  {hold.reason or ''}".rstrip()
        )
    if not holds:
        echo("(none)", err=True)


def _target(job: str | None, address: str | None) -> tuple[Kind, str]:
    """Return what to hold; raises CommandError, or click.UsageError unless one of both is given."""
    if job and not address:
        if not re.fullmatch(ID_PATTERN, job):  # no job can have it
            raise CommandError("this is not a valid id of a job.")
        return "job", job
    if address and not job:
        return "address", parse_address(address)
    raise click.UsageError("Name a job or an address: --job ID or --address ADDRESS.")
