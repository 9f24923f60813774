"""Commands that look into the ledger of everything that Twilio told us."""

import sys
from datetime import datetime
from typing import Any

import click
from flask.cli import AppGroup

from receiver.cli.callbacks.filters import filtered
from receiver.cli.callbacks.replay import replay_command
from receiver.cli.context import explained
from receiver.services import services
from receiver.settings.urls import without_credentials
from receiver.store.ledger.find import LedgerFilter, find_body, find_event, find_events

group = AppGroup("callbacks", help="Look into the ledger of everything that Twilio told us.")
group.add_command(replay_command)


@group.command("list")
@filtered
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@explained
def _list(*, wanted: LedgerFilter, limit: int) -> None:
    """List the newest callbacks, one a line: id, time, outcome, deliveries, bytes, job, reason."""
    with services().engine.connect() as connection:
        rows = find_events(connection, wanted, limit=limit)
    for row in rows:
        click.echo(
            f"{row.id:>8}  {row.received_at:%Y-%m-%dT%H:%M:%SZ}  {row.outcome:<11}  "
            f"x{row.deliveries:<3} {row.body_bytes:>8} B  {row.job_id or '-'}  "
            f"{': '.join(filter(None, (row.reason, row.detail)))}".rstrip()
        )
    if not rows:
        click.echo("(none)", err=True)
    if len(rows) == limit:
        click.echo(f"(the newest {limit}; --limit shows more)", err=True)


@group.command("show")
@click.argument("callback_id", type=click.IntRange(1, 2**63 - 1))
@explained
def _show(callback_id: int) -> None:
    """Show all that is known of one callback, but its body."""
    with services().engine.connect() as connection:
        row = find_event(connection, callback_id)
    if row is None:
        raise click.ClickException(f"there is no callback {callback_id}.")
    told = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented accessor
    told["url"] = row.url and without_credentials(row.url)
    for name, value in told.items():
        click.echo(f"{name:<18} {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.%fZ}"

    if isinstance(value, str):
        return repr(value)[1:-1]  # what came in a header may hold what a terminal obeys

    return "-" if value is None else str(value)


@group.command("body")
@click.argument("callback_id", type=click.IntRange(1, 2**63 - 1))
@explained
def _body(callback_id: int) -> None:
    """Write the callback's exact bytes to standard output."""
    with services().engine.connect() as connection:
        body = find_body(connection, callback_id)
    if body is None:
        raise click.ClickException(f"there is no callback {callback_id}, or its body was erased.")
    sys.stdout.buffer.write(body)
