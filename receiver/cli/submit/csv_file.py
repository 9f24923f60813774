"""Submitting what a file asks for: which line became which job, and what is still to be done."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial

import click

from receiver.services import services
from receiver.store.submissions.outbox import accepted_jobs
from receiver.submissions.batch import Batch, Result
from receiver.submissions.csv_rows import Row, Sheet
from receiver.submissions.submit import lacks_participants, stores_into_conversation
from receiver.twilio.client import Twilio
from schemas.submission import format_faults

# The exit code of a command that was interrupted, as shells have it.
INTERRUPTED = 128 + signal.SIGINT

# How many faults are printed; a file of one kind of fault has thousands.
_MOST_FAULTS = 50
# How many keys one statement asks for.
_KEYS = 1000


def submit_file(twilio: Twilio, sheet: Sheet, submitted_by: str) -> None:
    """Submit what has no job yet, and print `line,id` of every row that has one then.

    Exits with 1 if not every row has its job, or with INTERRUPTED. Raises click.ClickException for
    a file with faults, of which nothing is submitted.
    """
    _refuse_faults([*sheet.faults, *_conversation_faults(twilio, sheet)])
    jobs = _done(sheet.rows)
    rows = [row for row in sheet.rows if row.key not in jobs]
    done = len(jobs)
    batch = Batch(services().engine, twilio, submitted_by)
    with ended_by_ctrl_c(batch) as interrupts:
        results = _run(batch, rows)
    jobs |= {result.row.key: result.job_id for result in results if result.job_id}
    _print_jobs(sheet, jobs)
    _tell_sums(results, done=done, repeated=len(sheet.repeated))
    if interrupts:
        sys.exit(INTERRUPTED)
    if any(result.job_id is None for result in results):
        sys.exit(1)


@contextmanager
def ended_by_ctrl_c(batch: Batch) -> Iterator[list[int]]:
    """Let Ctrl-C end the batch once what is under way is done; yield a list of them.

    The second one is Python's own again: it interrupts.
    """
    interrupts: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def end(number: int, _frame: object) -> None:
        interrupts.append(number)
        signal.signal(signal.SIGINT, before)
        batch.stop()
        # Past Python's buffers, in the middle of whose writing the signal may have come.
        os.write(2, b"\nEnding once what is under way is done; Ctrl-C again doesn't wait.\n")

    signal.signal(signal.SIGINT, end)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


def _run(batch: Batch, rows: Sequence[Row]) -> list[Result]:
    with click.progressbar(
        batch.run(rows), length=len(rows), label="Submitting", file=sys.stderr
    ) as running:
        return list(running)


def _conversation_faults(twilio: Twilio, sheet: Sheet) -> list[str]:
    """Return the faults that only the configurations can tell; each is asked for once."""
    stores = cache(partial(stores_into_conversation, twilio))
    found = ((row.line, lacks_participants(row.request, stores)) for row in sheet.rows)

    return [f"line {line}: {format_faults([fault])}" for line, fault in found if fault]


def _refuse_faults(faults: Sequence[str]) -> None:
    if not faults:
        return
    told_of = list(faults[:_MOST_FAULTS])
    if len(faults) > _MOST_FAULTS:
        told_of.append(f"… and {len(faults) - _MOST_FAULTS} more.")

    raise click.ClickException("\n".join(["nothing was submitted:", *told_of]))


def _done(rows: Sequence[Row]) -> dict[str, str]:
    """Return the jobs of the rows that Twilio took in an earlier run, by their keys."""
    done: dict[str, str] = {}
    with services().engine.connect() as connection:
        for start in range(0, len(rows), _KEYS):
            found = accepted_jobs(connection, [row.key for row in rows[start : start + _KEYS]])
            done |= {key: job_id for key, job_id in found.items() if job_id}

    return done


def _print_jobs(sheet: Sheet, jobs: Mapping[str, str]) -> None:
    """Print CSV, in the file's order; a repeated row has the job of the first."""
    click.echo("line,id")
    for row in sorted([*sheet.rows, *sheet.repeated], key=lambda row: row.line):
        if row.key in jobs:
            click.echo(f"{row.line},{jobs[row.key]}")


def _tell_sums(results: Sequence[Result], *, done: int, repeated: int) -> None:
    """Tell what was refused, and the sums."""
    failed = [result for result in results if result.fault]
    submitted = sum(1 for result in results if result.job_id)
    left = len(results) - submitted - len(failed)
    for result in failed:
        click.echo(f"line {result.row.line}: {result.fault}", err=True)
    click.echo(
        f"{submitted} submitted, {done} done before, {repeated} repeated in the file, "
        f"{len(failed)} failed, {left} not come to.",
        err=True,
    )
    if failed or left:
        click.echo("Run it again for those: no job is submitted twice.", err=True)
