"""The command for what waits on disk until the database takes it."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click
from flask.cli import with_appcontext

from receiver.callbacks.drain import Drain
from receiver.cli.context import explained
from receiver.services import services
from receiver.spool.folder import Spool, SpooledFile, explain
from receiver.store.retry import DatabaseUnavailableError

# A locked job stops a try, like a database that is away; so as many are made.
_TRIES = 3


@click.command("spool")
@click.option("--drain", "wants_drain", is_flag=True, help="Move what waits into the ledger.")
@with_appcontext
@explained
def command(*, wants_drain: bool) -> None:
    """Show what waits on disk for the database; exit with 1 if --drain leaves any of it there.

    The web process moves it by itself. This may be used beside it.
    """
    found = services().spool
    if found is None:
        raise click.ClickException("there is no spool: SPOOL_DIR is not set.")
    try:
        if wants_drain:
            _drain(Drain(services().engine, found, services().settings.signing_keys))
        else:
            _show(found)
    except OSError as error:
        raise click.ClickException(f"{found.path} can't be read: {explain(error)}") from error


def _show(found: Spool) -> None:
    files = found.list_files()
    for name, value in (
        ("folder", f"{found.path}{'' if found.path.is_dir() else ' (not there)'}"),
        ("durable", "yes" if found.durable else "no"),
        ("files", f"{len(files)}"),
        ("bytes", f"{sum(file.size_bytes for file in files)}"),
        ("oldest", _moment(files)),
    ):
        click.echo(f"{name:<8} {value}")
    for name, why in found.find_damaged().items():
        click.echo(f"damaged  {name}: {why}")


def _moment(files: Sequence[SpooledFile]) -> str:
    return (
        f"{datetime.fromtimestamp(files[0].written_at, UTC):%Y-%m-%dT%H:%M:%SZ}" if files else "-"
    )


def _drain(drain: Drain) -> None:
    files = drain.waiting()
    left = iter(files)
    moved = 0
    errors = {}
    away = None
    with click.progressbar(length=len(files), label="Moving", file=sys.stderr) as bar:
        for _ in range(_TRIES):  # each goes on behind the file that stopped the one before
            try:
                for tried in drain.run(left):
                    moved += tried.moved
                    if tried.error:
                        errors[tried.name] = tried.error
                    bar.update(1)
            except DatabaseUnavailableError as error:
                away = str(error)
    click.echo(f"{moved} moved.", err=True)
    for name, cause in errors.items():
        click.echo(f"stays: {name}: {cause}")
    waiting = len(drain.spool.list_files())
    if away:
        raise click.ClickException(
            f"the database didn't take all of them ({away}); {waiting} still wait. "
            "`flask --app app doctor` looks for the cause."
        )
    if waiting > len(errors):
        raise click.ClickException(
            f"{waiting - len(errors)} are in another process's hands, or came in meanwhile."
        )
    if errors:
        raise SystemExit(1)
