"""The commands that read callbacks from the ledger: `list`, `show` and `body`."""

from dataclasses import replace
from datetime import datetime
from typing import Any, get_args

import click
from flask.cli import AppGroup

from receiver.cli.callbacks.filters import filter_options
from receiver.cli.callbacks.replay import replay_command
from receiver.cli.errors import report_database_errors
from receiver.cli.operator import operator_name
from receiver.cli.options import ID, echo_limit, limit_option
from receiver.cli.output import CommandError, echo, write_body
from receiver.events.api_events import Source
from receiver.runtime.utc import format_utc
from receiver.services import services
from receiver.settings.urls import without_credentials
from receiver.store.audit.access import Access, Route
from receiver.store.audit.texts import read_event
from receiver.store.ledger.find import LedgerFilter, find_event, find_events

ALL = "all"
SOURCES = ("callback", *get_args(Source))

group = AppGroup("callbacks", help="Read the callbacks in the ledger, and replay them.")
group.add_command(replay_command)


@group.command("list")
@filter_options
@click.option(
    "--source",
    type=click.Choice([*SOURCES, ALL]),
    default="callback",
    show_default=True,
    help="Select callbacks, or Twilio's responses to the service's own requests: to a submission, "
    "to a fetch of a job or of the list of jobs, or a transcript that was read from a "
    "conversation.",
)
@limit_option("Print at most this many callbacks.")
@report_database_errors
def list_command(*, ledger_filter: LedgerFilter, source: str, limit: int) -> None:
    """List the callbacks in the ledger, newest first, one per line.

    The ledger also has Twilio's responses to this service's own requests: --source selects them.

    The columns are: id, time, source, outcome, deliveries, size of the body, job id, whether the
    body was erased or has expired, and the reason for the quarantine.
    """
    ledger_filter = replace(ledger_filter, source=None if source == ALL else source)
    with services().engine.connect() as connection:
        rows = find_events(connection, ledger_filter, limit=limit)
    for row in rows:
        echo(
            f"{row.id:>8}  {format_utc(row.received_at)}  {row.source:<12}  "
            f"{row.outcome:<11}  "
            f"x{row.deliveries:<3} {row.body_bytes:>8} B  {row.job_id or '-'}  "
            f"{f'(body {row.body_removed})  ' if row.body_removed else ''}"
            f"{': '.join(filter(None, (row.reason, row.detail)))}".rstrip()
        )
    if not rows:
        echo("(none)", err=True)
    if len(rows) == limit:
        echo_limit("newest", limit)


@group.command("show")
@click.argument("callback_id", type=ID)
@report_database_errors
def show_command(callback_id: int) -> None:
    """Print all stored fields of one callback, except its body."""
    with services().engine.connect() as connection:
        row = find_event(connection, callback_id)
    if row is None:
        raise CommandError(f"there is no callback {callback_id}.")
    fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented accessor
    fields["url"] = row.url and without_credentials(row.url)
    for name, value in fields.items():
        echo(f"{name:<18} {_format(value)}")


def _format(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.%fZ}"
    if isinstance(value, str):
        return repr(value)[1:-1]  # a header may contain escape sequences for the terminal

    return "-" if value is None else str(value)


@group.command("body")
@click.argument("callback_id", type=ID)
@report_database_errors
def body_command(callback_id: int) -> None:
    """Write a callback's body, byte for byte, to standard output.

    The audit of reads gets a row with the operating system's user: `audit list` prints it.
    """
    access = Access(reader=operator_name(), route=Route.BODY_COMMAND, format="bytes")
    with services().engine.connect() as connection:
        body = read_event(connection, callback_id, access=access)
    if body is None:
        raise CommandError(
            f"there is no callback {callback_id}, or its body was erased or has expired."
        )
    write_body(body)
