"""The command group `rejected`, with `rejected list`.

A rejected request may be a callback: its signature doesn't verify if a setting is wrong.
"""

from flask.cli import AppGroup

from receiver.cli.errors import report_database_errors
from receiver.cli.options import limit_option
from receiver.cli.output import echo
from receiver.cli.rejected.accept import accept_command
from receiver.cli.rejected.check import check_command
from receiver.runtime.utc import format_utc
from receiver.services import services
from receiver.store.rejected.dropped import dropped_counts
from receiver.store.rejected.quotas import Quotas
from receiver.store.rejected.read import newest_rejected, usage

_MIB = 1024 * 1024

group = AppGroup(
    "rejected",
    help="""Check and accept rejected requests.

    A rejected request looks like a callback, but its signature does not verify. A wrong setting may
    be the cause.""",
)
group.add_command(check_command)
group.add_command(accept_command)


@group.command("list")
@limit_option("Print at most this many requests.")
@report_database_errors
def list_command(*, limit: int) -> None:
    """List rejected requests, newest first, one per line.

    The columns are: id, time, reason, account, job, size of the body, and the Host header. None of
    it is verified: anyone can send such a request. After the list, print how full the quotas are
    and how many requests were not stored.
    """
    with services().engine.connect() as connection:
        rows = newest_rejected(connection, limit=limit)
        uses = usage(connection, Quotas(services().settings.accounts))
        counts = dropped_counts(connection)
    for row in rows:
        echo(
            f"{row.id:>8}  {format_utc(row.received_at)}  {row.reason:<15}  "
            f"{row.account_id}  {row.job_id}  {row.body_bytes:>8} B  "
            f"{row.headers.get('Host', '-')!r:.100}"
        )
    for quota, used in uses:
        echo(
            f"{quota.account or 'all other accounts'}: {used.rows} of {quota.limit.rows} requests, "
            f"{used.bytes / _MIB:.1f} of {quota.limit.bytes // _MIB} MiB",
            err=True,
        )
    for count in counts:
        echo(
            f"not stored ({count.reason}): {count.requests}, the last one at "
            f"{format_utc(count.last_at)}",
            err=True,
        )
