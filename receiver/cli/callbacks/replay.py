"""`callbacks replay`: another chance for what is quarantined, once the cause is mended."""

import sys
from collections import Counter

import click
from flask.cli import with_appcontext

from receiver.callbacks.replay import Replay, Verdict
from receiver.cli.callbacks.filters import filtered
from receiver.cli.context import explained
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
@click.argument("ids", nargs=-1, type=click.IntRange(1, 2**63 - 1), metavar="[ID]...")
@filtered
@click.option("--dry-run", is_flag=True, help="Tell what would become of them; write nothing.")
@with_appcontext
@explained
def replay_command(*, ids: tuple[int, ...], wanted: LedgerFilter, dry_run: bool) -> None:
    """Judge quarantined callbacks anew, by today's code and settings, the oldest first.

    Name them by ID or by a filter: `--outcome quarantined` means all of them. Each one whose
    outcome changes is listed; what has been applied stays so. Callbacks may come in meanwhile, and
    after an interruption it can be run again.
    """
    wanted = _wanted(ids, wanted)
    with services().engine.connect() as connection:
        found = count_replayable(connection, wanted)
    became = Counter({"applied already": found.applied, "without a body": found.erased})
    try:
        _replay(wanted, found, became, dry_run=dry_run)
    finally:
        _tell_counts(became, dry_run=dry_run)
    if became["failed"]:
        raise click.ClickException(
            f"{became['failed']} callbacks could not be judged or recorded, and are as they were."
        )


def _wanted(ids: tuple[int, ...], wanted: LedgerFilter) -> LedgerFilter:
    if bool(ids) == (wanted != LedgerFilter()):
        raise click.UsageError(
            "Tell which callbacks are meant, either by ID or by a filter: "
            "`--outcome quarantined` means all that are."
        )
    if not ids:
        return wanted
    with services().engine.connect() as connection:
        unknown = unknown_ids(connection, ids)
    if unknown:
        raise click.ClickException(f"there is no callback {', '.join(map(str, unknown))}.")

    return LedgerFilter(ids=ids)


def _replay(
    wanted: LedgerFilter, found: ReplayCounts, became: Counter[str], *, dry_run: bool
) -> None:
    """Replay them one by one, and count what becomes of them."""
    judge_anew = Replay(services().engine, services().settings.signing_keys, dry_run=dry_run)
    with click.progressbar(
        quarantined_ids(services().engine, wanted, found.newest),
        length=found.quarantined,
        label="Judging anew",
        file=sys.stderr,
    ) as ids:
        for callback_id in ids:
            became[_tell(callback_id, judge_anew(callback_id))] += 1


def _tell(callback_id: int, verdict: Verdict | None) -> str:
    """Tell of a callback what the operator should know, and return what it counts as."""
    if verdict is None:
        return "applied already"  # by a redelivery, since it was listed
    about = f"{callback_id:>8}  {verdict.job_id or '-'}  {verdict.was} -> "
    if verdict.outcome is None:
        _echo(f"{about}failed: {verdict.reason}", err=True)
        return "failed"
    if verdict.outcome == Outcome.QUARANTINED:
        return f"still quarantined, {verdict.reason}"
    _echo(f"{about}{verdict.outcome}")

    return "applied"


def _echo(line: str, *, err: bool = False) -> None:
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)  # where the progress bar is
    click.echo(line, err=err)


def _tell_counts(became: Counter[str], *, dry_run: bool) -> None:
    if dry_run:
        click.echo("Nothing was written. What would become of them:", err=True)
    for what, count in sorted(became.items()):
        if count:
            click.echo(f"{count:>8}  {what}", err=True)
    if not became.total():
        click.echo("(none)", err=True)
