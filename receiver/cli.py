"""The operator's commands: `flask --app app …`."""

import functools
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from receiver.fault import kind_of
from receiver.ops import doctor
from receiver.store.event import Outcome
from receiver.store.ledger import LedgerFilter, find_body, find_event, find_events
from receiver.store.rebuild import count_jobs, job_ids, rebuild

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

callbacks = AppGroup("callbacks", help="Look into the ledger of everything that Twilio told us.")


def register(app: Flask) -> None:
    """Give the application its commands."""
    app.cli.add_command(callbacks)
    app.cli.add_command(_migrate)
    app.cli.add_command(_rebuild)
    app.cli.add_command(doctor.command)


def _engine() -> Engine:
    engine: Engine = current_app.extensions["engine"]

    return engine


def _explained(command: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Turn an error of the database into a line for the operator instead of a traceback."""

    @functools.wraps(command)
    def wrapper(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except UnicodeEncodeError as error:
            raise click.ClickException("an argument isn't valid text.") from error
        except SQLAlchemyError as error:
            raise click.ClickException(
                f"the database failed: {kind_of(error)}. "
                "`flask --app app doctor` looks for the cause."
            ) from error

    return wrapper


@click.command("migrate")
@with_appcontext
@_explained
def _migrate() -> None:
    """Bring the database's schema to this code's version."""
    from receiver.store.migrate import (  # noqa: PLC0415 - keeps Alembic out of the web process
        MigrationBusy,
        migrate,
    )

    try:
        migrate(_engine(), tell=click.echo)
    except MigrationBusy as error:
        raise click.ClickException(str(error)) from error


@click.command("rebuild")
@with_appcontext
@_explained
def _rebuild() -> None:
    """Fold every job anew from the ledger, and list the jobs whose row had to change."""
    engine = _engine()
    with engine.connect() as connection:
        count = count_jobs(connection)
    with click.progressbar(
        job_ids(engine), length=count, label="Rebuilding", file=sys.stderr
    ) as ids:
        changed = 0
        for job_id in ids:
            if rebuild(engine, job_id):
                click.echo(job_id)
                changed += 1
    click.echo(f"{count} jobs, of which {changed} had to change.", err=True)


@callbacks.command("list")
@click.option("--outcome", type=click.Choice([str(outcome) for outcome in Outcome]))
@click.option(
    "--reason",
    help="undecodable, invalid, unexpected_content_type, account_mismatch, foreign_account, "
    "internal_error or unstorable.",
)
@click.option("--since", type=click.DateTime(), help="Received at or after this moment, in UTC.")
@click.option("--job", help="The id of the job that they name.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@_explained
def _list(
    *,
    outcome: str | None,
    reason: str | None,
    since: datetime | None,
    job: str | None,
    limit: int,
) -> None:
    """List the newest callbacks, one a line: id, time, outcome, deliveries, bytes, job, reason."""
    wanted = LedgerFilter(
        outcome=outcome, reason=reason, since=since and since.replace(tzinfo=UTC), job=job
    )
    with _engine().connect() as connection:
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


@callbacks.command("show")
@click.argument("callback_id", type=click.IntRange(1, 2**63 - 1))
@_explained
def _show(callback_id: int) -> None:
    """Show all that is known of one callback, but its body."""
    with _engine().connect() as connection:
        row = find_event(connection, callback_id)
    if row is None:
        raise click.ClickException(f"there is no callback {callback_id}.")
    for name, value in row._mapping.items():  # noqa: SLF001 - SQLAlchemy's documented accessor
        click.echo(f"{name:<18} {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.%fZ}"

    if isinstance(value, str):
        return repr(value)[1:-1]  # what came in a header may hold what a terminal obeys

    return "-" if value is None else str(value)


@callbacks.command("body")
@click.argument("callback_id", type=click.IntRange(1, 2**63 - 1))
@_explained
def _body(callback_id: int) -> None:
    """Write the callback's exact bytes to standard output."""
    with _engine().connect() as connection:
        body = find_body(connection, callback_id)
    if body is None:
        raise click.ClickException(f"there is no callback {callback_id}, or its body was erased.")
    sys.stdout.buffer.write(body)
