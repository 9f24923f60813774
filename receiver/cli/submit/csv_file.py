"""`submit --from-csv`: submits the rows of a file, and prints the job of each line."""

import csv
import io
import sys
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache, partial

from receiver.cli.output import CommandError, echo, progress_bar, write_body
from receiver.cli.submit.earlier_jobs import EarlierJobs, load_earlier_jobs
from receiver.cli.submit.interrupt import INTERRUPTED, stop_on_ctrl_c
from receiver.services import services
from receiver.submissions.batch import Batch, Result
from receiver.submissions.csv_rows import Row, Sheet
from receiver.submissions.participants import participants_fault, stores_into_conversation
from receiver.twilio.client import Twilio
from schemas.submission import format_faults

# A file may have the same fault on thousands of lines.
MAX_PRINTED_FAULT_COUNT = 50


def submit_file(twilio: Twilio, sheet: Sheet, submitted_by: str, *, resubmits: bool) -> None:
    """Submit the rows that have no job yet, and print every row that has a job, with its id.

    With `resubmits`, the rows whose job FAILED at Twilio are submitted once more; that costs money.
    Exits with 1 if a row has no job at the end, or with INTERRUPTED. Raises CommandError if
    the file has faults; then nothing is submitted.
    """
    _reject_faults([*sheet.faults, *_conversation_faults(twilio, sheet)])
    earlier = load_earlier_jobs(services().engine, sheet.rows)
    rows = [row for row in sheet.rows if row.key not in earlier.jobs]
    resubmissions = earlier.resubmissions(sheet.rows) if resubmits else {}
    batch = Batch(services().engine, twilio, submitted_by)
    with stop_on_ctrl_c(batch) as interrupts:
        results = _run(batch, sorted([*rows, *resubmissions.values()], key=lambda row: row.line))
    accepted = {result.row.key: result.job_id for result in results if result.job_id}
    renewed = {key: accepted[row.key] for key, row in resubmissions.items() if row.key in accepted}
    _print_jobs(sheet, {**earlier.jobs, **accepted, **renewed})
    _print_summary(
        results,
        done_before_count=len(earlier.jobs) - len(resubmissions),
        repeated_count=len(sheet.repeated),
    )
    _print_failures(sheet, earlier, set(renewed))
    if interrupts:
        sys.exit(INTERRUPTED)
    if any(result.job_id is None for result in results):
        sys.exit(1)


def _run(batch: Batch, rows: Sequence[Row]) -> list[Result]:
    with progress_bar(batch.run(rows), length=len(rows), label="Submitting") as results:
        return list(results)


def _conversation_faults(twilio: Twilio, sheet: Sheet) -> list[str]:
    """Return the faults that depend on a configuration; each configuration is fetched once."""
    stores = cache(partial(stores_into_conversation, twilio))
    faults = ((row.line, participants_fault(row.request, stores)) for row in sheet.rows)

    return [f"line {line}: {format_faults([fault])}" for line, fault in faults if fault]


def _reject_faults(faults: Sequence[str]) -> None:
    if not faults:
        return
    printed = list(faults[:MAX_PRINTED_FAULT_COUNT])
    if len(faults) > MAX_PRINTED_FAULT_COUNT:
        printed.append(f"… and {len(faults) - MAX_PRINTED_FAULT_COUNT} more.")

    raise CommandError("nothing was submitted:", *printed)


def _print_jobs(sheet: Sheet, jobs: Mapping[str, str]) -> None:
    """Print CSV in the file's order; a repeated row has the job of the first one.

    Each line begins with `line` and `id`. The file's own columns follow, so that the output can be
    joined with other tables.
    """
    text = io.StringIO()
    output = csv.writer(text, delimiter=sheet.delimiter, lineterminator="\n")
    output.writerow(["line", "id", *map(_output_name, sheet.columns)])
    for row in sorted([*sheet.rows, *sheet.repeated], key=lambda row: row.line):
        if row.key in jobs:
            output.writerow([row.line, jobs[row.key], *row.cells])
    write_body(text.getvalue().encode())


def _output_name(column: str) -> str:
    return f"{column}_in_file" if column in {"line", "id"} else column


def _print_summary(
    results: Sequence[Result], *, done_before_count: int, repeated_count: int
) -> None:
    """Print each row that failed, and the counts."""
    failed = [result for result in results if result.fault]
    submitted_count = sum(1 for result in results if result.job_id)
    untried_count = len(results) - submitted_count - len(failed)
    for result in failed:
        echo(f"line {result.row.line}: {result.fault}", err=True)
    echo(
        f"{submitted_count} submitted, {done_before_count} done before, "
        f"{repeated_count} repeated in the file, {len(failed)} failed, "
        f"{untried_count} not tried.",
        err=True,
    )
    if failed or untried_count:
        echo("Run the command again to submit the rest: no job is submitted twice.", err=True)


def _print_failures(sheet: Sheet, earlier: EarlierJobs, renewed: AbstractSet[str]) -> None:
    """Print the lines whose job FAILED at Twilio, except those submitted again now (`renewed`)."""
    failed = [row for row in sheet.rows if row.key in earlier.failed.keys() - renewed]
    if not failed:
        return
    printed = [_describe_failure(row, earlier) for row in failed[:MAX_PRINTED_FAULT_COUNT]]
    if len(failed) > len(printed):
        printed.append(f"… and {len(failed) - len(printed)} more")
    echo(f"{len(failed)} of the jobs done before FAILED at Twilio: {', '.join(printed)}.", err=True)
    if any(row.key in earlier.resubmittable for row in failed):
        echo(
            "--resubmit-failed submits a failed job again, each of them once. It costs money.",
            err=True,
        )


def _describe_failure(row: Row, earlier: EarlierJobs) -> str:
    """Return the row's line, with Twilio's error code if it is known."""
    code = earlier.failed[row.key]
    notes = [str(code)] if code else []
    if row.key not in earlier.resubmittable:
        notes.append("submitted again already")
    suffix = f" ({', '.join(notes)})" if notes else ""

    return f"line {row.line}{suffix}"
