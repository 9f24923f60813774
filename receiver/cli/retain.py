"""The command `retain`: removes what has been kept for as long as the settings say."""

import time
from collections import Counter
from collections.abc import Iterator

import click
from flask.cli import with_appcontext
from sqlalchemy import Engine

from receiver.cli.errors import report_database_errors
from receiver.cli.output import CommandError, echo
from receiver.privacy.retention import Retention, count_expired, retain, retention_of, throttled
from receiver.services import services
from receiver.store.erasure.releases import EarlierReleaseError
from receiver.store.erasure.writers import UnfinishedWriteError

_REPORT_INTERVAL_SECONDS = 5.0


@click.command("retain")
@click.option("--dry-run", is_flag=True, help="Count what would be removed, and remove nothing.")
@with_appcontext
@report_database_errors
def command(*, dry_run: bool) -> None:
    """Remove what has been kept for as long as RETAIN_… says, while callbacks arrive.

    The reconcile process does the same once an hour. What is on hold stays. After an interruption,
    run the command again: it continues. Prints what was removed, one table per line; `bodies` and
    `events` are of callbacks and of Twilio's responses.
    """
    retention = retention_of(services().settings)
    echo(_describe(retention), err=True)
    removed: Counter[str] = Counter()
    try:
        for step in _steps(retention, dry_run=dry_run):
            removed += step
    except (EarlierReleaseError, UnfinishedWriteError) as error:
        raise CommandError(f"{error}.") from error
    finally:
        _print(removed)


def _describe(retention: Retention) -> str:
    """Return for how long each is kept, so that an empty result can be understood."""
    periods = {
        "bodies": retention.bodies,
        "jobs": retention.metadata,
        "audit": retention.audit,
        "tombstones": retention.tombstones,
    }
    texts = [
        f"{name} {f'for {period.days} days' if period else 'for ever'}"
        for name, period in periods.items()
    ]

    return f"Kept: {', '.join(texts)}."


def _steps(retention: Retention, *, dry_run: bool) -> Iterator[Counter[str]]:
    """Yield the counts of each batch, and print the progress now and then."""
    engine = services().engine
    if dry_run:
        yield from count_expired(engine, retention)
        return
    total: Counter[str] = Counter()
    next_report_at = time.monotonic() + _REPORT_INTERVAL_SECONDS
    for step in throttled(_passes(engine, retention)):
        yield step
        total += step
        if time.monotonic() > next_report_at:
            next_report_at += _REPORT_INTERVAL_SECONDS
            echo(", ".join(f"{count} {name}" for name, count in total.items()), err=True)


def _passes(engine: Engine, retention: Retention) -> Iterator[Counter[str]]:
    """Run passes until one removes nothing: a pass leaves what is locked, or takes too long."""
    is_done = False
    while not is_done:
        is_done = True
        for step in retain(engine, retention):
            is_done &= not +step
            yield step


def _print(removed: Counter[str]) -> None:
    for name, count in removed.items():
        echo(f"{count:>10}  {name}")
    if not removed:
        echo("(none)", err=True)
