"""The command for what waits on disk until the database takes it."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click
from flask import current_app
from flask.cli import with_appcontext

from receiver.cli.context import engine, explained, settings
from receiver.ingest.drain import Drain
from receiver.spool.folder import Spool, Waiting, explain
from receiver.store.retry import Unavailable


@click.command("spool")
@click.option("--drain", "wants_drain", is_flag=True, help="Move what waits into the ledger.")
@with_appcontext
@explained
def command(*, wants_drain: bool) -> None:
    """Show what waits on disk for the database; exit with 1 if --drain leaves any of it there.

    The web process moves it by itself. This may be used beside it.
    """
    spool: Spool | None = current_app.extensions["spool"]
    if spool is None:
        raise click.ClickException("there is no spool: SPOOL_DIR is not set.")
    try:
        if wants_drain:
            _drain(Drain(engine(), spool, settings().signing_keys))
        else:
            _show(spool)
    except OSError as error:
        raise click.ClickException(f"{spool.path} can't be read: {explain(error)}") from error


def _show(spool: Spool) -> None:
    files = spool.waiting()
    for name, value in (
        ("folder", str(spool.path)),
        ("durable", "yes" if spool.durable else "no"),
        ("files", f"{len(files)}"),
        ("bytes", f"{sum(file.size for file in files)}"),
        ("oldest", _moment(files)),
    ):
        click.echo(f"{name:<8} {value}")
    for name, why in spool.damaged().items():
        click.echo(f"damaged  {name}: {why}")


def _moment(files: Sequence[Waiting]) -> str:
    return f"{datetime.fromtimestamp(files[0].since, UTC):%Y-%m-%dT%H:%M:%SZ}" if files else "-"


def _drain(drain: Drain) -> None:
    files = drain.waiting()
    moved = 0
    obstacles = {}
    away = None
    with click.progressbar(length=len(files), label="Moving", file=sys.stderr) as bar:
        try:
            for tried in drain.run(files):
                moved += tried.moved
                if tried.obstacle:
                    obstacles[tried.name] = tried.obstacle
                bar.update(1)
        except Unavailable as error:
            away = str(error)
    click.echo(f"{moved} moved.", err=True)
    for name, obstacle in obstacles.items():
        click.echo(f"stays: {name}: {obstacle}")
    if away:
        raise click.ClickException(
            f"the database didn't take the next one: {away}. It and all after it stay. "
            "`flask --app app doctor` looks for the cause."
        )
    if obstacles:
        raise SystemExit(1)
