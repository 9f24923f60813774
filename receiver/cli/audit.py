"""The commands `audit …`: who read which transcript or body."""

from datetime import UTC, datetime

import click
from flask.cli import AppGroup

from receiver.cli.errors import report_database_errors
from receiver.cli.options import echo_limit, limit_option
from receiver.cli.output import echo
from receiver.runtime.utc import format_utc
from receiver.services import services
from receiver.store.audit.rows import AuditFilter, find_reads
from receiver.store.erasure.matching import is_known

group = AppGroup("audit", help="Show who read transcripts and callbacks' bodies.")


@group.command("list")
@click.option("--job", help="Select reads of the job with this id.")
@click.option(
    "--key",
    help="Select reads with the API key of this name, or reads of an operator's commands: "
    "`user:` and the operating system's user.",
)
@click.option("--since", type=click.DateTime(), help="Select reads at or after this UTC time.")
@click.option("--until", type=click.DateTime(), help="Select reads before this UTC time.")
@limit_option("Print at most this many reads.")
@report_database_errors
def list_command(
    *,
    job: str | None,
    key: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> None:
    """List the reads of transcripts and bodies, newest first, one per line.

    The columns are: time, key, status of the answer, format, route, job id, number of the callback,
    and request id. A status of 304 means that the copy of the client is current.
    """
    audit_filter = AuditFilter(
        job=job,
        reader=key,
        since=since and since.replace(tzinfo=UTC),
        until=until and until.replace(tzinfo=UTC),
    )
    with services().engine.connect() as connection:
        rows = find_reads(connection, audit_filter, limit=limit)
        is_unknown = not rows and job and not is_known(connection, job, account_id=None)
    for row in rows:
        echo(
            f"{format_utc(row.at)}  {row.reader:<16}  {row.status or '-':>3}  "
            f"{row.format:<6}  {row.route:<22}  {row.job_id or '-'}  {row.callback_id or '-'}  "
            f"{row.request_id or '-'}"
        )
    if not rows:
        echo("(none)", err=True)
    if is_unknown:
        echo("No job with this id is known: check it.", err=True)
    if len(rows) == limit:
        echo_limit("newest", limit)
