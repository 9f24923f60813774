"""The command `rejected accept`: records rejected callbacks that verify now."""

from collections import Counter
from collections.abc import Mapping

import click
from flask.cli import with_appcontext

from receiver.cli.errors import report_database_errors
from receiver.cli.options import ids_argument
from receiver.cli.output import echo, progress_bar
from receiver.cli.rejected.arguments import check_ids_exist
from receiver.rejected.accept import accept, verified_event
from receiver.services import services
from receiver.signatures.matching import SignatureError
from receiver.store.event import Event, Outcome
from receiver.store.ledger.erased import is_erased
from receiver.store.rejected.read import load_rejected, rejected_ids

_ACCEPTED = "accepted"
_QUARANTINED = "accepted, but quarantined (`flask --app app callbacks list` prints the reason)"
_ERASED = "erased: the job was erased, so nothing was recorded"
_NOT_VERIFIED = "stay, not verified (run `flask --app app rejected check` to find the cause)"
_GONE = "gone: accepted or evicted by another process"
_RESULTS = {Outcome.QUARANTINED: _QUARANTINED, Outcome.ERASED: _ERASED}


@click.command("accept")
@ids_argument
@click.option(
    "--dry-run", is_flag=True, help="Count what would be accepted, without writing anything."
)
@with_appcontext
@report_database_errors
def accept_command(*, ids: tuple[int, ...], dry_run: bool) -> None:
    """Accept rejected requests that verify now.

    They are verified with the current settings. Without an ID, all rejected requests are tried. An
    accepted request is recorded as a callback that was received at its original time, and removed
    from the rejected requests. The others stay. Exits with 1 if a request was named by ID and
    doesn't verify.
    """
    with services().engine.connect() as connection:
        existing_ids = rejected_ids(connection, ids)
    check_ids_exist(ids, existing_ids)
    results: Counter[str] = Counter()
    try:
        with progress_bar(existing_ids, label="Accepting") as bar:
            for rejected_id in bar:
                results[_accept(rejected_id, dry_run=dry_run)] += 1
    finally:
        _print_counts(results, dry_run=dry_run)
    if ids and results[_NOT_VERIFIED]:
        raise SystemExit(1)


def _accept(rejected_id: int, *, dry_run: bool) -> str:
    """Accept one request, and return its result for the counts."""
    with services().engine.connect() as connection:
        row = load_rejected(connection, rejected_id)
    if row is None:
        return _GONE
    try:
        if dry_run:
            return _predict(verified_event(row, services().settings))
        recorded = accept(services().engine, row, services().settings)
    except SignatureError:
        return _NOT_VERIFIED

    return _RESULTS.get(recorded.outcome, _ACCEPTED)


def _predict(event: Event) -> str:
    """Return the result of accepting the event."""
    with services().engine.connect() as connection:
        if is_erased(connection, event):
            return _ERASED

    return _ACCEPTED if event.head is not None else _QUARANTINED


def _print_counts(results: Mapping[str, int], *, dry_run: bool) -> None:
    if dry_run:
        echo("Nothing was written. Without --dry-run, the result would be:", err=True)
    for result, count in results.items():
        echo(f"{count:>8}  {result}", err=True)
    if not results:
        echo("(none)", err=True)
    elif results.keys() & {_ACCEPTED, _QUARANTINED}:
        echo(
            "If the web process was not restarted since the settings changed, restart it now: "
            "otherwise it still rejects such callbacks.",
            err=True,
        )
