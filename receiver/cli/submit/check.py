"""`submit --check`: reports what would make a submission fail, without submitting anything.

Only the files at a mediaUrl are checked: Recordings are stored at Twilio.
"""

from receiver.cli.output import echo, progress_bar
from receiver.preflight.check_many import check_many
from receiver.runtime.plural import pluralize
from receiver.submissions.csv_rows import Row, Sheet


def check_one(row: Row) -> None:
    """Print what would fail; exit with 1 if something would fail."""
    url = row.request.get("media_url")
    faults = next(check_many([url])) if url else []
    for fault in faults:
        echo(f"/mediaUrl: {fault}")
    if faults:
        raise SystemExit(1)
    echo("No problem found." if url else "Recordings are not checked.", err=True)


def check_file(sheet: Sheet) -> None:
    """Print what would fail on each line of the file; exit with 1 if something would fail."""
    rows = [row for row in sheet.rows if row.request.get("media_url")]
    all_faults = [*sheet.faults]
    with progress_bar(
        check_many([row.request["media_url"] for row in rows]),
        length=len(rows),
        label="Checking",
    ) as results:
        for row, faults in zip(rows, results, strict=True):
            all_faults += [f"line {row.line}: /mediaUrl: {fault}" for fault in faults]
    for fault in all_faults:
        echo(fault)
    echo(
        f"{pluralize(len(rows), 'file')} checked, "
        f"{pluralize(len(sheet.rows) - len(rows), 'Recording')} not checked, "
        f"{pluralize(len(all_faults), 'problem')} found. Nothing was submitted.",
        err=True,
    )
    if all_faults:
        raise SystemExit(1)
