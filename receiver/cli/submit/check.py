"""A look before paying: what of a submission would fail, told before anything is submitted.

Recordings are Twilio's own, so there is nothing to look at but the files that a mediaUrl names.
"""

import sys
from collections.abc import Iterator, Sequence

import click

from receiver.submissions.csv_rows import Row, Sheet


def check_one(row: Row) -> None:
    """Tell what would fail, and exit with 1 if anything does."""
    url = row.request.get("media_url")
    faults = next(_faults([url])) if url else []
    for fault in faults:
        click.echo(f"/mediaUrl: {fault}")
    if faults:
        raise SystemExit(1)
    click.echo("Nothing was found." if url else "A Recording isn't looked at.", err=True)


def check_file(sheet: Sheet) -> None:
    """Tell of each line of the file what would fail, and exit with 1 if anything does."""
    rows = [row for row in sheet.rows if row.request.get("media_url")]
    failing = [*sheet.faults]
    with click.progressbar(
        _faults([row.request["media_url"] for row in rows]),
        length=len(rows),
        label="Looking",
        file=sys.stderr,
    ) as looking:
        for row, faults in zip(rows, looking, strict=True):
            failing += [f"line {row.line}: /mediaUrl: {fault}" for fault in faults]
    for fault in failing:
        click.echo(fault)
    click.echo(
        f"{len(rows)} files looked at, {len(sheet.rows) - len(rows)} Recordings not; "
        f"{len(failing)} faults. Nothing was submitted.",
        err=True,
    )
    if failing:
        raise SystemExit(1)


def _faults(urls: Sequence[str]) -> Iterator[list[str]]:
    # The web process, which knows this command, needs no audio library to start.
    from receiver.preflight.check_many import check_many  # noqa: PLC0415

    for faults in check_many(urls):
        yield [str(fault) for fault in faults]
