"""Commands for requests that may be callbacks but don't verify: a setting may be wrong."""

import sys
from collections import Counter
from collections.abc import Mapping

import click
from flask.cli import AppGroup

from receiver.cli.context import explained
from receiver.cli.rejected.check import check_command
from receiver.cli.rejected.named import ids_argument, refuse_unknown
from receiver.rejected.accept import accept, verified_event
from receiver.services import services
from receiver.signatures.signature import SignatureError
from receiver.store.event import Outcome
from receiver.store.rejected.not_kept import not_kept_counts
from receiver.store.rejected.quotas import Quotas
from receiver.store.rejected.read import load_rejected, newest_rejected, rejected_ids, usage

group = AppGroup(
    "rejected", help="Look into requests that may be callbacks but don't verify; take them."
)
group.add_command(check_command)

_MIB = 1024 * 1024
_STAY = "stay, for they don't verify (`flask --app app rejected check` looks for the cause)"
_GONE = "gone meanwhile"
_OUTCOMES = {True: "accepted", False: "accepted, and quarantined (`callbacks list` says why)"}


@group.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@explained
def _list(*, limit: int) -> None:
    """List the newest ones, one a line: id, time, reason, account, job, bytes, host.

    None of it is proved. After them: how full the quotas are, and how many requests were not kept.
    """
    with services().engine.connect() as connection:
        rows = newest_rejected(connection, limit=limit)
        uses = usage(connection, Quotas(services().settings.accounts))
        counts = not_kept_counts(connection)
    for row in rows:
        click.echo(
            f"{row.id:>8}  {row.received_at:%Y-%m-%dT%H:%M:%SZ}  {row.reason:<15}  "
            f"{row.account_id}  {row.job_id}  {row.body_bytes:>8} B  "
            f"{row.headers.get('Host', '-')!r:.100}"
        )
    for quota, used in uses:
        click.echo(
            f"{quota.account or 'all other accounts'}: {used.rows} of {quota.limit.rows} requests, "
            f"{used.bytes / _MIB:.1f} of {quota.limit.bytes // _MIB} MiB",
            err=True,
        )
    for count in counts:
        click.echo(
            f"not kept ({count.reason}): {count.requests}, the last at "
            f"{count.last_at:%Y-%m-%dT%H:%M:%SZ}",
            err=True,
        )


@group.command("accept")
@ids_argument
@click.option("--dry-run", is_flag=True, help="Tell what would be accepted; write nothing.")
@explained
def _accept(*, ids: tuple[int, ...], dry_run: bool) -> None:
    """Take those that verify by today's settings; by default all are tried.

    They are recorded as if they had been taken when they came, then removed from the rejected ones.
    The others stay. Exit with 1 if one stays that was named.
    """
    with services().engine.connect() as connection:
        numbers = rejected_ids(connection, ids)
    refuse_unknown(ids, numbers)
    became: Counter[str] = Counter()
    try:
        with click.progressbar(numbers, label="Accepting", file=sys.stderr) as bar:
            for number in bar:
                became[_accepted(number, dry_run=dry_run)] += 1
    finally:
        _tell_counts(became, dry_run=dry_run)
    if ids and became[_STAY]:
        raise SystemExit(1)


def _accepted(number: int, *, dry_run: bool) -> str:
    """Accept one, and return what becomes of it."""
    with services().engine.connect() as connection:
        row = load_rejected(connection, number)
    if row is None:
        return _GONE
    try:
        if dry_run:
            return _OUTCOMES[verified_event(row, services().settings).head is not None]
        recorded = accept(services().engine, row, services().settings)
    except SignatureError:
        return _STAY

    return _OUTCOMES[recorded.outcome != Outcome.QUARANTINED]


def _tell_counts(became: Mapping[str, int], *, dry_run: bool) -> None:
    if dry_run:
        click.echo("Nothing was written. What would become of them:", err=True)
    for what, count in became.items():
        click.echo(f"{count:>8}  {what}", err=True)
    if not became:
        click.echo("(none)", err=True)
    elif became.keys() & set(_OUTCOMES.values()):
        click.echo("Restart the web process, if it hasn't got these settings yet.", err=True)
