"""The command `callbacks replay`: validates quarantined callbacks again."""

from collections import Counter

import click
from flask.cli import with_appcontext

from receiver.callbacks.replay import Replay, ReplayResult
from receiver.cli.callbacks.filters import filter_options
from receiver.cli.errors import report_database_errors
from receiver.cli.options import ids_argument
from receiver.cli.output import CommandError, echo, echo_above_progress, progress_bar
from receiver.runtime.plural import pluralize
from receiver.services import services
from receiver.store.event import Outcome
from receiver.store.ledger.find import LedgerFilter
from receiver.store.ledger.quarantine import (
    ReplayCounts,
    count_replayable,
    quarantined_ids,
    unknown_ids,
)


@click.command("replay")
@ids_argument
@filter_options
@click.option(
    "--dry-run", is_flag=True, help="Print what would change, without writing to the database."
)
@with_appcontext
@report_database_errors
def replay_command(*, ids: tuple[int, ...], ledger_filter: LedgerFilter, dry_run: bool) -> None:
    """Validate quarantined callbacks again.

    Run this after you have fixed the cause: the current code and settings are used. Select the
    callbacks by ID or by a filter: `--outcome quarantined` selects all of them. They are replayed
    oldest first, and each callback with a changed outcome is printed.

    It is safe while the service is running, and safe to run again after an interruption: a callback
    that has been applied stays applied. Exits with 1 if a callback could not be replayed.
    """
    ledger_filter = _resolve_filter(ids, ledger_filter)
    with services().engine.connect() as connection:
        selected = count_replayable(connection, ledger_filter)
    results = Counter({"applied already": selected.applied, "without a body": selected.erased})
    try:
        _replay(ledger_filter, selected, results, dry_run=dry_run)
    finally:
        _print_counts(results, dry_run=dry_run)
    if results["failed"]:
        raise CommandError(
            f"{pluralize(results['failed'], 'callback')} could not be validated or recorded. "
            "Nothing of that was changed."
        )


def _resolve_filter(ids: tuple[int, ...], ledger_filter: LedgerFilter) -> LedgerFilter:
    """Return the filter of what to replay.

    Raises click.UsageError without a clear selection, CommandError for an unknown id.
    """
    if bool(ids) == (ledger_filter != LedgerFilter()):
        raise click.UsageError(
            "Select the callbacks either by ID or by a filter: "
            "`--outcome quarantined` selects all quarantined callbacks."
        )
    if not ids:
        return ledger_filter
    with services().engine.connect() as connection:
        unknown = unknown_ids(connection, ids)
    if unknown:
        raise CommandError(f"there is no callback {', '.join(map(str, unknown))}.")

    return LedgerFilter(ids=ids)


def _replay(
    ledger_filter: LedgerFilter, selected: ReplayCounts, results: Counter[str], *, dry_run: bool
) -> None:
    """Replay the callbacks one by one, and count their results in `results`."""
    replay = Replay(services().engine, services().settings.signing_keys, dry_run=dry_run)
    with progress_bar(
        quarantined_ids(services().engine, ledger_filter, selected.newest),
        length=selected.quarantined,
        label="Replaying",
    ) as ids:
        for callback_id in ids:
            results[_report(callback_id, replay(callback_id))] += 1


def _report(callback_id: int, result: ReplayResult | None) -> str:
    """Print a callback if its outcome changed or it failed; return its result for the counts."""
    if result is None:
        return "applied already"  # by a redelivery, after it was selected
    change = f"{callback_id:>8}  {result.job_id or '-'}  {result.previous_reason} -> "
    if result.outcome is None:
        echo_above_progress(f"{change}failed: {result.reason}", err=True)
        return "failed"
    if result.outcome == Outcome.QUARANTINED:
        return f"still quarantined, {result.reason}"
    echo_above_progress(f"{change}{result.outcome}")

    return "erased" if result.outcome == Outcome.ERASED else "applied"


def _print_counts(results: Counter[str], *, dry_run: bool) -> None:
    if dry_run:
        echo("Nothing was written. Without --dry-run, the result would be:", err=True)
    for result, count in sorted(results.items()):
        if count:
            echo(f"{count:>8}  {result}", err=True)
    if not results.total():
        echo("(none)", err=True)
