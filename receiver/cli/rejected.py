"""Commands for requests that look like callbacks but don't verify: a setting may be wrong."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import IO

import click
from flask.cli import AppGroup

from receiver.cli.candidates import candidate_keys, candidate_url
from receiver.cli.context import engine, explained, settings
from receiver.ingest.signature import SignatureRefused
from receiver.rejected.accept import accept, verified_event
from receiver.rejected.check import Search
from receiver.rejected.own import rooms
from receiver.rejected.words import nothing_found, what_to_set
from receiver.store.event import Outcome
from receiver.store.rejected_read import (
    find_rejected,
    load_rejected,
    newest_rejected,
    not_kept,
    rejected_ids,
    usage,
)
from receiver.store.retry import Unavailable

group = AppGroup(
    "rejected", help="Look into requests that look like callbacks but don't verify; take them."
)
_MIB = 1024 * 1024
_MOST_LINES = 20
_MOST_IDS = 10
_STAY = "stay, for they don't verify (`flask --app app rejected check` looks for the cause)"
_GONE = "gone meanwhile"
_OUTCOMES = {True: "accepted", False: "accepted, and quarantined (`callbacks list` says why)"}
_ids = click.argument("ids", nargs=-1, type=click.IntRange(1, 2**63 - 1), metavar="[ID]...")


@group.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@explained
def _list(*, limit: int) -> None:
    """List the newest ones, one a line: id, time, reason, account, job, bytes, host.

    None of it is proved. After them: how full the rooms are in which they are kept, and how many
    requests were not kept.
    """
    with engine().connect() as connection:
        rows = newest_rejected(connection, limit=limit)
        full = usage(connection, rooms(settings()))
        missed = not_kept(connection)
    for row in rows:
        click.echo(
            f"{row.id:>8}  {row.received_at:%Y-%m-%dT%H:%M:%SZ}  {row.reason:<15}  "
            f"{row.account_id}  {row.job_id}  {row.body_bytes:>8} B  "
            f"{row.headers.get('Host', '-')!r:.100}"
        )
    for account, used, quota in full:
        click.echo(
            f"{account or 'all other accounts'}: {used.rows} of {quota.rows} requests, "
            f"{used.bytes / _MIB:.1f} of {quota.bytes // _MIB} MiB",
            err=True,
        )
    for count in missed:
        click.echo(
            f"not kept ({count.reason}): {count.requests}, the last at "
            f"{count.last_at:%Y-%m-%dT%H:%M:%SZ}",
            err=True,
        )


@group.command("check")
@_ids
@click.option(
    "--keys",
    type=click.File(),
    help="Other keys to try, one a line, `-` for standard input: token or ACsid=token as in "
    "TWILIO_AUTH_TOKEN, keyId=secret as in TWILIO_SIGNING_KEYS.",
)
@click.option("--public-url", "urls", multiple=True, help="Another origin to try; may be repeated.")
@explained
def _check(*, ids: tuple[int, ...], keys: IO[str] | None, urls: tuple[str, ...]) -> None:
    """Say which key and which PUBLIC_URL would have verified them; by default all.

    It tries the keys that are set, and those of --keys, with each scheme, host, port and prefix
    that PUBLIC_URL, --public-url and the requests' own headers name.
    """
    ours = settings()
    lines = candidate_keys(keys) if keys else {}
    new = {key: line for key, line in lines.items() if key not in ours.signing_keys}
    search = Search(
        ours.public_url, [candidate_url(url) for url in urls], [*ours.signing_keys, *new]
    )
    _refuse_unknown(ids)
    with engine().connect() as connection:
        rows = find_rejected(connection, ids)
    with click.progressbar(length=len(rows), label="Checking", file=sys.stderr) as bar:
        remedies = search.remedies(rows, bar.update)
    told: dict[str, list[int]] = {}
    for row in rows:
        remedy = search.explain(row, remedies)
        words = what_to_set(remedy, new) if remedy else nothing_found(row)
        told.setdefault(words, []).append(row.id)
    _tell(told)


def _tell(told: Mapping[str, Sequence[int]]) -> None:
    """Print what was found out with the numbers of which it is true, the most frequent first."""
    by_count = sorted(told.items(), key=lambda item: -len(item[1]))
    for words, alike in by_count[:_MOST_LINES]:
        more = ", …" if len(alike) > _MOST_IDS else ""
        click.echo(f"{len(alike):>8}  {words}: {', '.join(map(str, alike[:_MOST_IDS]))}{more}")
    rest = sum(len(alike) for _, alike in by_count[_MOST_LINES:])
    if rest:
        click.echo(f"{rest:>8}  others, each unlike the rest, and none that verifies")
    if not told:
        click.echo("(none)", err=True)


@group.command("accept")
@_ids
@click.option("--dry-run", is_flag=True, help="Tell what would be accepted; write nothing.")
@explained
def _accept(*, ids: tuple[int, ...], dry_run: bool) -> None:
    """Take those that verify by today's settings; by default all are tried.

    They are recorded as if they had been taken when they came, then removed from the rejected ones.
    The others stay. Exit with 1 if one stays that was named.
    """
    _refuse_unknown(ids)
    with engine().connect() as connection:
        numbers = rejected_ids(connection, ids)
    counts: Counter[str] = Counter()
    try:
        with click.progressbar(numbers, label="Accepting", file=sys.stderr) as bar:
            for number in bar:
                counts[_accepted(number, dry_run=dry_run)] += 1
    except Unavailable as error:
        raise click.ClickException(
            f"the database failed: {error}. Run it again: what is done stays done."
        ) from error
    finally:
        _tell_counts(counts, dry_run=dry_run)
    if ids and counts[_STAY]:
        raise SystemExit(1)


def _accepted(number: int, *, dry_run: bool) -> str:
    """Accept one, and return what becomes of it."""
    with engine().connect() as connection:
        row = load_rejected(connection, number)
    if row is None:
        return _GONE
    try:
        if dry_run:
            return _OUTCOMES[verified_event(row, settings()).head is not None]
        recorded = accept(engine(), row, settings())
    except SignatureRefused:
        return _STAY

    return _OUTCOMES[recorded.outcome != Outcome.QUARANTINED]


def _tell_counts(counts: Mapping[str, int], *, dry_run: bool) -> None:
    if dry_run:
        click.echo("Nothing was written. What would become of them:")
    for what, count in counts.items():
        click.echo(f"{count:>8}  {what}")
    if not counts:
        click.echo("(none)", err=True)


def _refuse_unknown(ids: Sequence[int]) -> None:
    with engine().connect() as connection:
        unknown = sorted(set(ids) - set(rejected_ids(connection, ids)))
    if unknown:
        raise click.ClickException(
            f"there is no rejected request {', '.join(map(str, unknown))}: "
            "accepted already, or evicted."
        )
