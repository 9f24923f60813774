"""The command `spool`: shows the callbacks that wait on disk, and moves them into the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import click
from flask.cli import with_appcontext

from receiver.callbacks.drain import Drain
from receiver.cli.errors import report_database_errors
from receiver.cli.output import CommandError, echo, progress_bar
from receiver.doctor.query import QueryError, query
from receiver.runtime.utc import format_utc
from receiver.services import services
from receiver.spool.folder import Spool, SpooledFile, explain
from receiver.store.retry import DatabaseUnavailableError
from receiver.store.schema import is_writable

# A database that doesn't record a file in time stops a drain. Each try continues after the file
# that stopped the last one.
MAX_TRY_COUNT = 3


@dataclass
class _DrainSummary:
    moved_count: int = 0
    errors: dict[str, str] = field(default_factory=dict)  # by file name
    database_error: str | None = None  # the last one


@click.command("spool")
@click.option(
    "--drain", "wants_drain", is_flag=True, help="Move the waiting callbacks into the ledger now."
)
@with_appcontext
@report_database_errors
def command(*, wants_drain: bool) -> None:
    """Show the callbacks that wait on disk, or move them.

    They wait because the database was unavailable when they arrived. The web process moves them
    into the ledger by itself; --drain is safe while it does. With --drain, exits with 1 if a
    callback is still on disk at the end.
    """
    spool = services().spool
    if spool is None:
        raise CommandError("there is no spool: SPOOL_DIR is not set.")
    try:
        if wants_drain:
            _drain(Drain(services().engine, spool, services().settings.signing_keys))
        else:
            _show(spool)
    except OSError as error:
        raise CommandError(f"{spool.path} can't be used: {explain(error)}") from error


def _show(spool: Spool) -> None:
    files = spool.list_files()
    for name, value in (
        ("folder", f"{spool.path}{'' if spool.path.is_dir() else ' (does not exist)'}"),
        ("durable", "yes" if spool.durable else "no"),
        ("files", f"{len(files)}"),
        ("bytes", f"{sum(file.size_bytes for file in files)}"),
        ("oldest", _oldest_time(files)),
    ):
        echo(f"{name:<8} {value}")
    for file in spool.find_unusable():
        kind = "refused" if file.is_refused else "damaged"
        echo(f"{kind:<8} {file.name}: {file.reason}")


def _oldest_time(files: Sequence[SpooledFile]) -> str:
    return format_utc(datetime.fromtimestamp(files[0].written_at, UTC)) if files else "-"


def _drain(drain: Drain) -> None:
    """Move the files; if files stay, report them and raise CommandError or SystemExit."""
    summary = _move(drain)
    echo(f"{summary.moved_count} moved.", err=True)
    for name, error in summary.errors.items():
        echo(f"not moved: {name}: {error}")
    remaining_count = len(drain.spool.list_files())
    database_error = summary.database_error
    if remaining_count > len(summary.errors):
        # The web process holds files while it waits for the database; then none was tried here.
        database_error = database_error or _find_database_error()
    if database_error:
        raise CommandError(
            f"the database did not accept all callbacks ({database_error}); "
            f"{remaining_count} still on disk. Run `flask --app app doctor` to find the cause."
        )
    if remaining_count > len(summary.errors):
        raise CommandError(
            f"{remaining_count - len(summary.errors)} still on disk: being moved by another "
            "process, or arrived during this run. Run the command again. If that doesn't help, "
            "run `flask --app app doctor`."
        )
    if summary.errors:
        raise SystemExit(1)


def _find_database_error() -> str | None:
    try:
        return None if query(services().engine, is_writable) else "it is read-only"
    except QueryError as error:
        return str(error)


def _move(drain: Drain) -> _DrainSummary:
    files = drain.waiting()
    untried = iter(files)
    summary = _DrainSummary()
    with progress_bar(length=len(files), label="Moving") as bar:
        for _ in range(MAX_TRY_COUNT):
            try:
                for result in drain.run(untried):
                    summary.moved_count += result.moved
                    if result.error:
                        summary.errors[result.name] = result.error
                    bar.update(1)
            except DatabaseUnavailableError as error:
                summary.database_error = str(error)

    return summary
